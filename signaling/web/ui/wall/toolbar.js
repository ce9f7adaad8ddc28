/**
 * The toolbar above the pictures: the layout of the wall, the count of duty, whether a sound is chosen, and the help.
 */
import { t } from "../../i18n/i18n.js";
import { LAYOUTS } from "../../state/wall_places.js";
import { el, icon, put, show } from "../dom.js";

/** @param {{onLayout(size), onHelp()}} actions */
export function toolbarView({ onLayout, onHelp }) {
  const radios = LAYOUTS.map((size) => radio(size, onLayout));
  const silent = el("p", { class: "silent" }, icon("muted"), el("span", { t: "no_sound_chosen" }));
  const duty = el("span", { class: "duty-count" });
  const help = el("button", { type: "button", class: "dark", "aria-keyshortcuts": "?", tLabel: "help", tTitle: "help", on: { click: onHelp } }, "?");
  return {
    node: el("div", { class: "toolbar" },
      el("fieldset", { class: "layouts" }, el("legend", { t: "layout" }), ...radios.map(({ node }) => node)),
      duty, silent, el("span", { class: "spring" }), help),
    update({ size, dutyCount, limit, isSilent }) {
      radios.forEach((button) => button.update(size));
      put(duty, t("duty_count", { count: dutyCount, limit }));
      show(silent, isSilent);
    },
  };
}

function radio(size, onLayout) {
  const input = el("input", { type: "radio", name: "layout", value: String(size), on: { change: () => onLayout(size) } });
  return {
    node: el("label", {}, input, el("span", {}, String(size))),
    update(chosen) {
      if (input.checked !== (size === chosen)) input.checked = size === chosen;
    },
  };
}
