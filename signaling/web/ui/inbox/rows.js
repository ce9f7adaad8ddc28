/**
 * Rows of the inbox that no other list has: requests for longer visits, announcements, their filing, and the approval of
 * the second institution. Each names its visit and carries the buttons of its decision.
 */
import { t } from "../../i18n/i18n.js";
import { citationOf, visitLine } from "../../i18n/session_words.js";
import { dateAndTime, timeOfDay } from "../../state/clock.js";
import { endOf, requestWords } from "../details/extension.js";
import { el, put } from "../dom.js";

const button = (key, style, press) => el("button", { type: "button", class: style, t: key, on: { click: press } });

/** @param {{onApproveFor(session), onDeclineFor(session)}} actions */
export function wishRow({ onApproveFor, onDeclineFor }) {
  let shown = null;
  const [name, words, end] = [el("strong"), el("p"), el("p", { class: "quiet small" })];
  return {
    node: el("li", {}, name, words, end, el("span", { class: "line" },
      button("extend", "primary", () => onApproveFor(shown)), button("decline_extension", "small-button", () => onDeclineFor(shown)))),
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

/** A visit whose stop is not announced yet. @param onAnnounce (session, code) */
export function announcementRow(onAnnounce) {
  return rowOf("announce", ({ session, code }) => onAnnounce(session, code), ({ session, code }) => [
    visitLine(session), [citationOf(code), t("inbox_announcement_words", { time: dateAndTime(session.starts_at) })].join(" · ")]);
}

/** An announcement that the province has not put on file. @param onFile (announcement) */
export function filingRow(onFile) {
  return rowOf("file_announcement", onFile, ({ cause, site, text }) => [cause, [site, text].filter(Boolean).join(" · ")]);
}

/** A visit that the second institution has not approved. @param onApproveSecond (session) */
export function secondApprovalRow(onApproveSecond) {
  return rowOf("approve_second", onApproveSecond, (session) => [
    visitLine(session), t("inbox_second_approval_words", { time: dateAndTime(session.starts_at) })]);
}

/** A row of a name, words, and one button. */
function rowOf(key, press, wordsOf) {
  let shown = null;
  const [name, words] = [el("strong"), el("p", { class: "quiet" })];
  return {
    node: el("li", {}, name, words, button(key, "primary", () => press(shown))),
    update(value) {
      shown = value;
      const [title, detail] = wordsOf(value);
      put(name, title);
      put(words, detail);
    },
  };
}
