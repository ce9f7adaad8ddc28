/**
 * All legal holds that stand in the auditor's scope, the oldest first.
 */
import { onLanguage, t } from "../../i18n/i18n.js";
import { visitFragment } from "../../state/audit_query.js";
import { wholeDate } from "../../state/clock.js";
import { el } from "../dom.js";

const COLUMNS = ["session", "reason", "by", "at"];

export function holdListView() {
  const rows = el("tbody");
  const none = el("p", { class: "empty", t: "audit_holds_none", hidden: true });
  const node = el("section", { class: "audit-list" }, el("h1", { t: "audit_part_holds" }),
    el("table", {}, el("thead", {}, el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col", t: `audit_hold_column_${name}` })))), rows), none);
  let shown = [];
  const write = () => {
    none.hidden = shown.length > 0;
    rows.replaceChildren(...shown.map((hold) => el("tr", {},
      el("td", {}, el("a", { href: `#${visitFragment(hold.session)}`, title: hold.session }, hold.started_at ? wholeDate(hold.started_at) : hold.session)),
      el("td", { dir: "auto" }, hold.reason), el("td", {}, hold.by_name), el("td", {}, wholeDate(hold.at)))));
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
