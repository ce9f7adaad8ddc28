/**
 * A dialog with the whole text of a pack, or with what differs between two of them.
 */
import { t } from "../../i18n/i18n.js";
import { el } from "../dom.js";

/** @param content the canonical text of a pack, or a list of {rule, was, now} */
export function packDialog(what, name, content) {
  const inner = what === "read" ? textOf(content) : changesOf(content);
  const close = el("button", { type: "button", class: "primary" }, t("close"));
  const dialog = el("dialog", { class: "pack", "aria-labelledby": "pack-title" },
    el("div", { class: "pack-frame" }, el("h2", { id: "pack-title" }, t(`admin_pack_${what}`, { name })), inner, el("div", { class: "line end" }, close)));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

function textOf(canonical) {
  return el("pre", { class: "pack-text", tabindex: "0", "aria-labelledby": "pack-title" }, JSON.stringify(JSON.parse(canonical), null, 2));
}

function changesOf(changes) {
  const rows = changes.map(({ rule, was, now }) => el("tr", {}, el("th", { scope: "row" }, rule), el("td", {}, was || "—"), el("td", {}, now || "—")));
  const heads = ["rule", "was", "now"].map((head) => el("th", { scope: "col" }, t(`admin_pack_${head}`)));
  return el("div", { class: "pack-text", tabindex: "0" }, el("table", { class: "fleet" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}
