/**
 * Legal holds (证据保全) of one recording: which stand and by whom; holding it, and lifting what holds it.
 */
import { onLanguage, t } from "../../../i18n/i18n.js";
import { wholeDate } from "../../../state/clock.js";
import { el, show } from "../../dom.js";

/** @param {{onHold(), onLift()}} actions */
export function holdsView({ onHold, onLift }) {
  const list = el("ol", { class: "mark-list" });
  const none = el("p", { class: "quiet small", t: "audit_holds_none" });
  const lift = el("button", { type: "button", class: "small-button", t: "audit_lift", on: { click: onLift } });
  const node = el("section", { class: "legal-holds", "aria-labelledby": "holds-title" },
    el("div", { class: "line" }, el("h2", { id: "holds-title", t: "audit_holds" }), el("span", { class: "spring" }), lift,
      el("button", { type: "button", class: "small-button", t: "audit_hold_now", on: { click: onHold } })), none, list);
  let shown = [];
  const write = () => {
    const stands = shown.filter(({ lifted_at: lifted }) => !lifted);
    list.replaceChildren(...shown.map(holdRow));
    show(none, shown.length === 0);
    show(lift, stands.length > 0);
  };
  const stop = onLanguage(write);
  return {
    node,
    update(holds) {
      shown = holds;
      write();
    },
    close: stop,
  };
}

/** One hold with its reason and author; lifted ones say since when and why. */
export function holdRow(hold) {
  const lifted = hold.lifted_at ? el("p", { class: "quiet small" }, t("audit_hold_lifted", { at: wholeDate(hold.lifted_at), by: hold.lifted_by_name ?? "", why: hold.lifted_why ?? "" })) : "";
  return el("li", { data: { gone: String(Boolean(hold.lifted_at)) } }, el("p", { class: "mark-text", dir: "auto" }, hold.reason), el("p", { class: "quiet small" }, `${hold.by_name} · ${wholeDate(hold.at)}`), lifted);
}
