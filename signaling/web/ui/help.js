/**
 * The help: every key with its action, from the table that the keyboard of the page obeys.
 */
import { t } from "../i18n/i18n.js";
import { KEYS, lettersAreOn, switchLetters } from "../state/keys.js";
import { el } from "./dom.js";
import { openSheet } from "./sheet.js";

/** @param {Array} table of keys, like that of state/keys.js */
export function showHelp(table = KEYS) {
  const letters = el("input", { type: "checkbox", checked: lettersAreOn(), on: { change: () => switchLetters(letters.checked) } });
  const close = el("button", { type: "submit", class: "primary" }, t("close"));
  const rows = table.map(({ keys, shown = keys[0], words }) => el("tr", {},
    el("th", { scope: "row" }, el("kbd", {}, shown)), el("td", {}, t(words))));
  const dialog = el("dialog", { class: "help", data: { reads: "true" }, "aria-labelledby": "help-title" },
    el("form", { method: "dialog" },
      el("h2", { id: "help-title" }, t("help")),
      el("div", { class: "help-keys", tabindex: "0", role: "group", "aria-labelledby": "help-title" },
        el("table", {}, el("tbody", {}, ...rows))),
      el("label", { class: "line" }, letters, el("span", {}, t("help_letters"))),
      el("p", { class: "quiet small" }, t("help_rests")),
      el("div", { class: "line end" }, close)));
  openSheet(dialog);
  close.focus();
}
