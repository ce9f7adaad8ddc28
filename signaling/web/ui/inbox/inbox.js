/**
 * The approver's inbox: all that waits for a decision, in one list with the oldest first, each decided where it stands.
 * Below it is what has been decided, or waits for others.
 */
import { t } from "../../i18n/i18n.js";
import { dateAndTime } from "../../state/clock.js";
import { waitingItems } from "../../state/inbox.js";
import { suspensionRow } from "../details/suspension.js";
import { el, keyed, mark, put, show } from "../dom.js";
import { absenceRow, rebookingRow } from "../follow_ups.js";
import { announcementRow, filingRow, secondApprovalRow, wishRow } from "./rows.js";

const ROWS = {
  extension: (actions) => wishRow(actions),
  announcement: (actions) => announcementRow(actions.onAnnounce),
  filing: (actions) => filingRow(actions.onFile),
  second_approval: (actions) => secondApprovalRow(actions.onApproveSecond),
  suspension: (actions) => suspensionRow(actions.onDecide),
  absence: (actions) => absenceRow(actions.onDecideAbsence),
  rebooking: (actions) => rebookingRow(actions.onDecline),
};

/**
 * @param {object} actions see app/actions.js
 * @param {{suspensions, absences}} lists the views of what follows visits, which show the rest here
 */
export function inboxView(actions, { suspensions, absences }) {
  const rows = new Map();
  const list = el("ol", { class: "inbox-list", "aria-labelledby": "inbox-title" });
  const count = el("strong", { class: "inbox-count" });
  const nothing = el("p", { class: "quiet", t: "inbox_empty" });
  const node = el("main", { class: "inbox", id: "wall", tabindex: "-1", "aria-labelledby": "inbox-title" },
    el("h2", { id: "inbox-title" }, el("span", { t: "inbox" }), " ", count), nothing, list, suspensions.node, absences.node);
  return {
    node,
    /** @param {{sessions, site, suspensions, followUps}} model */
    update(model) {
      const items = waitingItems(model);
      keyed(list, rows, items, ({ id }) => id, ({ kind }) => itemRow(kind, ROWS[kind](actions)));
      put(count, items.length ? t("inbox_count", { count: items.length }) : "");
      mark(node, "waiting", String(items.length > 0));
      show(nothing, items.length === 0);
      suspensions.update(model.suspensions.filter(({ mine }) => !mine));
      absences.update(model.followUps.absences.filter(({ mine }) => !mine.length));
    },
  };
}

/** A row with what kind of decision it waits for, and since when. */
function itemRow(kind, row) {
  const since = el("time", { class: "quiet" });
  const node = row.node;
  node.prepend(el("p", { class: "inbox-kind line" }, el("span", { t: `inbox_${kind}` }), since));
  node.dataset.kind = kind;
  return {
    node,
    update({ at, value }) {
      show(since, kind !== "second_approval"); // which has no age, but the time of its visit
      since.dateTime = at;
      put(since, t("inbox_since", { time: dateAndTime(at) }));
      row.update(value);
    },
  };
}
