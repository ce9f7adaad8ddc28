/**
 * The bar above the pictures: how many visits the wall holds, whether anything is heard, and the help.
 */
import { el, icon, put, show } from "../dom.js";
import { t } from "../i18n.js";
import { LAYOUTS } from "../places.js";

/** @param {{onLayout(size), onHelp()}} acts */
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
      radios.forEach((one) => one.update(size));
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
