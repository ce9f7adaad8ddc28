/**
 * The section of sign-ins that go on, each of which the officer can end.
 */
import { t } from "../../i18n/i18n.js";
import { dateAndTime } from "../../state/clock.js";
import { el, show } from "../dom.js";

/** @param {{onEnd(session), onEndOthers()}} actions */
export function sessionsView({ onEnd, onEndOthers }) {
  const rows = el("ul", { class: "rows" });
  const others = el("button", { type: "button", t: "sessions_end_others", on: { click: onEndOthers } });
  const node = el("section", { "aria-labelledby": "sessions-title" },
    el("h2", { id: "sessions-title", t: "own_sessions" }), rows, el("div", { class: "orders" }, others));
  return {
    node,
    update(sessions) {
      rows.replaceChildren(...sessions.map((session) => row(session, onEnd)));
      show(others, sessions.length > 1);
    },
  };
}

function row(session, onEnd) {
  const device = session.device || t("session_program");
  const seen = session.seen_at ? t("session_seen", { at: dateAndTime(session.seen_at) }) : "";
  const until = t("session_until", { at: dateAndTime(session.expires_at) });
  const words = el("div", {}, el("strong", {}, device), el("p", { class: "quiet small" }, [seen, until].filter(Boolean).join(" · ")));
  if (session.current) return el("li", {}, words, el("span", { class: "chip", data: { level: "good" } }, t("session_current")));
  if (!session.id) return el("li", {}, words);
  const end = el("button", { type: "button", "aria-label": t("session_end_named", { device }), on: { click: () => onEnd(session) } }, t("session_end"));
  return el("li", {}, words, end);
}
