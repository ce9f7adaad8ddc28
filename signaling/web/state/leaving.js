/**
 * What an officer's leaving does to visits: those that would be held because their side has too few officers left.
 */
import { sidesOf, watchable } from "./sessions.js";

/** Whether an officer is among those who count for their site's side of a session. */
export const countsIn = (session, { id, site }) =>
  sidesOf(session, site).some((side) => session.quorum[side].have.some((officer) => officer.id === id));

/** The visits whose gate is open and would shut without this officer. */
export function fallingWithout(sessions, me) {
  return sessions.filter((session) => session.state === "live" && !session.drill && countsIn(session, me)
    && sidesOf(session, me.site).some((side) => session.quorum[side].have.length - 1 < session.quorum[side].need));
}

/** Whether two lists hold the same visits. */
export const sameVisits = (before, now) => before.length === now.length && before.every(({ id }) => now.some((visit) => visit.id === id));

/** The visits in which an officer counts, and could hand over. */
export const handedOver = (sessions, me) => sessions.filter((session) => watchable(session) && countsIn(session, me));
