/**
 * Which grounds an officer may use in a session now, as far as the page knows; the server checks it again.
 */
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
