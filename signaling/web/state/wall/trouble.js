/**
 * Which visit on the wall is in the worst trouble, so that it is shown larger than the others. Pure.
 */
import { isGrave } from "./open_alerts.js";

const LOST = new Set(["quorum_lost", "room_lost", "recorder_lost"]);

/** How bad a session's trouble is: 2, an officer is needed now; 1, one has taken it; 0, it is calm. */
export function troubleOf(session, now = null) {
  if (session.drill || session.state === "ended") return 0;
  const grave = (session.alerts ?? []).filter((alert) => isGrave(alert, now));
  if (grave.some(({ state }) => state === "new")) return 2;
  if (session.state === "held" && LOST.has(session.reason?.code)) return 2;
  return grave.length ? 1 : 0;
}

/**
 * The id of the session that is shown larger, or null: of equal trouble that of the officer's duty comes before one that
 * is only looked at. The one that is larger already stays so until its trouble is over or another one's is worse: tiles do
 * not change places each time that something happens.
 * @param {Array} sessions on the wall, in order
 * @param {string | null} holder id of the one that is larger now
 * @param {(id: string) => boolean} isDuty
 */
export function spotlight(sessions, holder, now = null, isDuty = () => false) {
  const rank = (session) => 2 * troubleOf(session, now) + Number(troubleOf(session, now) > 0 && isDuty(session.id));
  const worst = Math.max(0, ...sessions.map(rank));
  if (!worst) return null;
  const held = sessions.find(({ id }) => id === holder);
  if (held && rank(held) === worst) return holder;
  return sessions.find((session) => rank(session) === worst).id;
}
