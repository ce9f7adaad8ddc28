/**
 * What an officer may do in a session now, and on which grounds, as far as the page knows; the server checks it again.
 *
 * An act that is not possible keeps its place on the desk and says why, so that no hand finds another button than the one
 * it knows.
 */
import { sidesOf, watchable } from "./sessions.js";

const DURING = new Set(["live", "held"]);

/** Whether the session has begun, so that it can be held. */
export const begun = (session) => DURING.has(session.state);

/**
 * The grounds that are this site's and for this part of the visit. `blocked`: not before a warning in vain.
 * @param {Array} grounds of the session's rules
 */
export function usable(grounds, session, site) {
  const mine = ({ by }) => by !== "county" || session.sides.visitor.site === site;
  const now = ({ phase }) => phase !== "before" || !begun(session);
  return grounds.filter((ground) => mine(ground) && now(ground))
    .map((ground) => ({ ...ground, blocked: !dissuaded(ground, session) }));
}

function dissuaded({ after = [] }, session) {
  return !after.length || (session.warnings ?? []).some(({ article }) => after.includes(article));
}

/** Whether a warning may be given under a ground: one that is its own dissuasion waits for none. */
export const mayWarn = ({ code, may_warn, must_end, blocked, after = [] }) => may_warn && !must_end && (!blocked || after.includes(code));

/** The one reason of a hold that an officer lifts; all others end by themselves when their cause is gone. */
const LIFTED_BY_HAND = "supervisor";

/**
 * Why each act is not possible now, as keys of words (why_not_…); "" where it is possible.
 * @param {object} session
 * @param {{site: string, isWatched: boolean, farewellCode: string, mustEnd: boolean}} now `site`: the officer's; `mustEnd`:
 *   the visit is held on a ground that demands its end
 */
export function whyNot(session, { site, isWatched, farewellCode, mustEnd }) {
  const sides = sidesOf(session, site);
  const never = neverWhy(session, sides);
  const before = never || (begun(session) ? "" : "not_begun");
  const said = (session.farewell ?? []).some(({ side }) => side === sides[0]);
  return {
    warn: never, mute: never, end: never,
    hold: before || (heldByHand(session) ? "is_held" : ""),
    resume: before || resumeWhy(session, mustEnd),
    finish: before || (said ? "said_already" : farewellCode ? "" : "no_farewell"),
    goOn: before || (said ? "" : "not_said"),
    watch: !watchable(session) ? never : isWatched ? "is_watched" : "",
  };
}

const heldByHand = (session) => session.state === "held" && session.reason?.code === LIFTED_BY_HAND;

function neverWhy(session, sides) {
  if (session.state === "ended") return "over";
  if (session.drill) return "drill";
  if (session.state === "scheduled") return "not_open";
  return sides.length ? "" : "not_mine";
}

function resumeWhy(session, mustEnd) {
  if (session.state !== "held") return "not_held";
  if (mustEnd) return "must_end";
  return heldByHand(session) ? "" : "heals";
}
