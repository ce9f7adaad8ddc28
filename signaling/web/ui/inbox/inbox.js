/**
 * The approver's inbox: all that waits for a decision, the most urgent kind first and the oldest of a kind first. A request
 * for a longer visit stands on top, because its time runs.
 */
import { t } from "../../i18n/i18n.js";
import { visitLine } from "../../i18n/session_words.js";
import { dateAndTime, timeOfDay } from "../../state/clock.js";
import { SIDES } from "../../state/sessions.js";
import { endOf, requestWords } from "../details/extension.js";
import { el, keyed, mark, put, show } from "../dom.js";

/**
 * @param {object} actions see app/actions.js
 * @param {{suspensions, absences, rebookings}} lists the views of what follows visits, which stand here for an approver
 */
export function inboxView(actions, { suspensions, absences, rebookings }) {
  const wishes = part("inbox_extensions", () => wishRow(actions));
  const seconds = part("inbox_second_approvals", () => visitRow(actions, secondWords));
  const due = part("inbox_announcements", () => visitRow(actions, dueWords));
  const files = part("inbox_filings", fileRow);
  const parts = [wishes, due, files, seconds];
  const count = el("strong", { class: "inbox-count" });
  const nothing = el("p", { class: "quiet", t: "inbox_empty" });
  const node = el("main", { class: "inbox", id: "wall", tabindex: "-1", "aria-labelledby": "inbox-title" },
    el("h2", { id: "inbox-title" }, el("span", { t: "inbox" }), " ", count), nothing,
    ...parts.map(({ node }) => node), suspensions.node, absences.node, rebookings.node);
  return {
    node,
    /** @param {{sessions, site, suspensions, followUps}} model */
    update({ sessions, site, suspensions: proposals, followUps }) {
      const waiting = waitingFor(site, sessions, followUps);
      wishes.update(waiting.wishes);
      seconds.update(waiting.seconds);
      due.update(waiting.due);
      files.update(waiting.files);
      const lists = proposals.filter(({ mine }) => mine).length + followUps.absences.filter(({ mine }) => mine.length).length
        + followUps.rebookings.filter(({ state }) => state === "open").length;
      const all = Object.values(waiting).reduce((sum, { length }) => sum + length, lists);
      put(count, all ? t("inbox_count", { count: all }) : "");
      mark(node, "waiting", String(all > 0));
      show(nothing, all === 0);
    },
  };
}

/** What waits for the approver of a site, by kind, the oldest first. */
function waitingFor(site, sessions, { announcements }) {
  const own = (session) => session.sides.prison.site === site;
  const wishes = sessions.filter((session) => own(session) && session.extension_request?.state === "open")
    .sort((a, b) => a.extension_request.at.localeCompare(b.extension_request.at));
  const seconds = sessions.filter((session) => SIDES.some((side) => session.sides[side].site === site)
    && session.state !== "ended" && session.missing.some(({ code }) => code === "second_approval"));
  const byId = new Map(sessions.map((session) => [session.id, session]));
  const due = announcements.due.map(({ session }) => byId.get(session)).filter(Boolean);
  return { wishes, seconds, due, files: announcements.announcements.filter(({ filed_at: at }) => !at).reverse() };
}

function part(title, makeRow) {
  const rows = new Map();
  const list = el("ul");
  const count = el("span", { class: "quiet" });
  const node = el("section", { class: "inbox-part", "aria-labelledby": title }, el("h3", { id: title }, el("span", { t: title }), " ", count), list);
  return {
    node,
    update(items) {
      show(node, items.length > 0);
      put(count, String(items.length));
      keyed(list, rows, items, ({ id }) => id, makeRow);
    },
  };
}

function wishRow({ onApproveFor, onDeclineFor }) {
  let shown = null;
  const [name, words, end] = [el("strong"), el("p"), el("p", { class: "quiet small" })];
  const button = (key, style, press) => el("button", { type: "button", class: style, t: key, on: { click: () => press(shown) } });
  return {
    node: el("li", { role: "status" }, name, words, end,
      el("span", { class: "line" }, button("extend", "primary", onApproveFor), button("decline_extension", "small-button", onDeclineFor))),
    update(session) {
      shown = session;
      const { seconds } = session.extension_request;
      const now = endOf(session);
      put(name, visitLine(session));
      put(words, requestWords(session.extension_request));
      put(end, t("new_end", { end: timeOfDay(now), next: timeOfDay(new Date(now.getTime() + seconds * 1000)) }));
    },
  };
}

const secondWords = (session) => t("inbox_second_approval", { time: dateAndTime(session.starts_at) });
const dueWords = (session) => t("inbox_announcement", { time: dateAndTime(session.starts_at) });

function visitRow({ onChoose }, wordsOf) {
  let id = "";
  const [name, words] = [el("strong"), el("p", { class: "quiet" })];
  return {
    node: el("li", {}, name, words, el("button", { type: "button", class: "small-button", t: "inbox_look", on: { click: () => onChoose(id) } })),
    update(session) {
      id = session.id;
      put(name, visitLine(session));
      put(words, wordsOf(session));
    },
  };
}

function fileRow() {
  const [cause, words] = [el("strong"), el("p", { class: "quiet" })];
  return {
    node: el("li", {}, cause, words),
    update(announcement) {
      put(cause, announcement.cause);
      put(words, `${announcement.site} · ${dateAndTime(announcement.at)}`);
    },
  };
}
