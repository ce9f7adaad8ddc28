/**
 * Visits that must be listened to again (复听): overdue ones, those that are due, and those that were rated twice.
 */
import { onLanguage, t } from "../../i18n/i18n.js";
import { visitFragment } from "../../state/audit_query.js";
import { wholeDate } from "../../state/clock.js";
import { el, mark } from "../dom.js";

const STATES = ["overdue", "due", "done"];
const LEVELS = { overdue: "bad", due: "wait", done: "good" };

/** @param {(state: string) => void} onState asks for another list */
export function dutyListView(onState) {
  const inputs = new Map(STATES.map((state) => [state, el("input", { type: "radio", name: "duty-state", value: state, on: { change: () => onState(state) } })]));
  const rows = el("tbody");
  const none = el("p", { class: "empty", t: "audit_duty_none", hidden: true });
  const node = el("section", { class: "audit-list" }, el("h1", { t: "audit_part_relisten" }),
    el("fieldset", { class: "line" }, el("legend", { class: "unseen", t: "audit_by_state" }), ...STATES.map((state) => el("label", { class: "line" }, inputs.get(state), el("span", { t: `audit_duty_${state}` })))),
    el("table", {}, el("thead", {}, el("tr", {}, ...["visit", "due", "rated"].map((name) => el("th", { scope: "col", t: `audit_duty_column_${name}` })))), rows), none);
  let shown = null;
  const write = () => {
    if (!shown) return;
    none.hidden = shown.duties.length > 0;
    inputs.get(shown.state).checked = true;
    rows.replaceChildren(...shown.duties.map((duty) => rowOf(duty, shown.state)));
  };
  const stop = onLanguage(write);
  return {
    node,
    update(state, duties) {
      shown = { state, duties };
      write();
    },
    close: stop,
  };
}

function rowOf(duty, state) {
  const due = el("span", { class: "chip" }, wholeDate(duty.due_at));
  mark(due, "level", LEVELS[state]);
  return el("tr", {}, el("td", {}, el("a", { href: `#${visitFragment(duty.session)}` }, wholeDate(duty.starts_at))),
    el("td", {}, due), el("td", {}, t("audit_rated_count", { count: duty.rated })));
}
