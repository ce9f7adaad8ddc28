/**
 * What waits for an officer. For an approver it is all that waits for a decision, of all kinds in one order: the oldest
 * first. For an auditor it is what needs a second person. Pure.
 *
 * A second approval has no age that the page knows: it waits until its visit, so that these stand last, the soonest first.
 */
const OPEN = "open";

/**
 * The items {kind, id, at, value} that wait for the approver of a site.
 * @param {{site: string, sessions: Array, suspensions: Array, followUps: {rebookings, absences, announcements}}} known
 */
export function waitingItems({ site, sessions, suspensions, followUps }) {
  const byId = new Map(sessions.map((session) => [session.id, session]));
  const { announcements, due } = followUps.announcements;
  return [
    ...sessions.filter((session) => session.sides.prison.site === site && session.extension_request?.state === OPEN)
      .map((session) => item("extension", session, session.extension_request.at)),
    ...due.filter(({ session, mine = true }) => mine && byId.has(session))
      .map((each) => item("announcement", { id: each.session, code: each.code, session: byId.get(each.session) }, each.at ?? byId.get(each.session).starts_at)),
    ...announcements.filter(({ filed_at: filed, mine = true }) => mine && !filed).map((each) => item("filing", each, each.at)),
    ...sessions.filter((session) => lacksSecond(session, site)).map((session) => item("second_approval", session, session.starts_at)),
    ...suspensions.filter(({ mine }) => mine).map((each) => item("suspension", each, each.at)),
    ...followUps.absences.filter(({ mine }) => mine.length > 0).map((each) => item("absence", each, each.at)),
    ...followUps.rebookings.filter(({ state }) => state === OPEN).map((each) => item("rebooking", each, each.at)),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

const item = (kind, value, at) => ({ kind, id: `${kind}/${value.id}`, at, value });

/** Whether the second institution's approval is this site's to give. */
const lacksSecond = (session, site) => session.sides.visitor.site === site && session.state !== "ended"
  && session.missing.some(({ code }) => code === "second_approval");

/** Whether a request to hand a recording over is this officer's to decide: nobody decides on their own. */
export const isToDecide = ({ state, by }, me) => state === "requested" && by.id !== me;

/** How many exports and changes of accounts wait for an auditor's word. */
export const secondWords = (me, { exports, changes }) => ({
  exports: exports.filter((request) => isToDecide(request, me)).length,
  changes: changes.filter(({ mine }) => mine).length,
});
