/**
 * The toolbar above the pictures: the layout of the wall, the count of duty, whether a sound is chosen, the columns at
 * both sides, the window for a second screen, and the help.
 */
import { t } from "../../i18n/i18n.js";
import { wallOnly } from "../../state/wall/columns.js";
import { MOST_VISITS } from "../../state/wall/wall_geometry.js";
import { LAYOUTS } from "../../state/wall/wall_places.js";
import { el, icon, put, rename, show } from "../dom.js";

/** @param {{onLayout(size), onFold(column, folded), onHelp()}} actions */
export function toolbarView({ onLayout, onFold, onHelp }) {
  const radios = LAYOUTS.map((size) => radio(size, onLayout));
  const holds = el("p", { class: "holds", role: "status" });
  const silent = el("p", { class: "silent" }, icon("muted"), el("span", { t: "no_sound_chosen" }));
  const duty = el("span", { class: "duty-count" });
  const [list, desk] = ["list", "desk"].map((column) => foldButton(column, onFold));
  const second = el("a", { class: "second-screen", href: "/monitor?wall", target: "_blank", rel: "noopener", t: "second_screen", tTitle: "second_screen_hint" });
  const help = el("button", { type: "button", class: "dark", "aria-keyshortcuts": "?", tLabel: "help", tTitle: "help", on: { click: onHelp } }, "?");
  return {
    node: el("div", { class: "toolbar" }, list.node,
      el("fieldset", { class: "layouts" }, el("legend", { t: "layout" }), ...radios.map(({ node }) => node)),
      duty, holds, silent, el("span", { class: "spring" }), ...(wallOnly() ? [] : [second]), help, desk.node),
    update({ size, dutyCount, limit, columns, offered, isSilent }) {
      radios.forEach((button) => button.update(size, offered));
      put(duty, t("duty_count", { count: dutyCount, limit }));
      show(holds, offered < MOST_VISITS);
      put(holds, t("wall_holds", { count: offered }));
      show(silent, isSilent);
      list.update(columns.list);
      desk.update(columns.desk);
    },
  };
}

/** Folds a column or opens it again. */
function foldButton(column, onFold) {
  let isFolded = false;
  const node = el("button", { type: "button", class: "dark fold", data: { column }, on: { click: () => onFold(column, !isFolded) } });
  return {
    node,
    update(folded) {
      isFolded = folded;
      node.setAttribute("aria-expanded", String(!folded));
      rename(node, `${folded ? "open" : "fold"}_${column}`);
    },
  };
}

function radio(size, onLayout) {
  const input = el("input", { type: "radio", name: "layout", value: String(size), on: { change: () => onLayout(size) } });
  const words = el("span", {}, String(size));
  return {
    node: el("label", {}, input, words),
    update(chosen, offered) {
      if (input.checked !== (size === chosen)) input.checked = size === chosen;
      input.disabled = size > offered && size !== chosen;
      words.title = input.disabled ? t("layout_too_large") : "";
    },
  };
}
