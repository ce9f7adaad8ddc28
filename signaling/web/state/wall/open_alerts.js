/**
 * The open alerts as the strip shows them: one entry a visit, the worst visit first. Pure.
 */

/** Whether an alert is grave at `now`: that a quorum has no more officers than it needs is so for a while only. */
export const isGrave = ({ grave, grave_until: until }, now) => grave && !(until && now && now >= Date.parse(until));

const rank = ({ alert, isGrave: grave }) => (grave ? 0 : 2) + (alert.state === "new" ? 0 : 1);

/** Whether the quorum of a session is "lost", at "risk", or neither (""). */
export function dangerOf(session) {
  if (session.drill) return ""; // it is lost on purpose
  if (session.state === "held" && session.reason?.code === "quorum_lost") return "lost";
  const begun = session.state === "live" || session.state === "held";
  return begun && Object.values(session.quorum).some((side) => side.at_risk) ? "risk" : "";
}

/** {session, alert, key, isGrave} of each open alert: the gravest first, new ones before taken ones, then the newest. */
export function openAlerts(sessions, now = null) {
  const open = sessions.flatMap((session) => (session.alerts ?? [])
    .map((alert) => ({ session, alert, key: `${session.id}/${alert.id}`, isGrave: isGrave(alert, now) })));
  return open.sort((a, b) => rank(a) - rank(b) || b.alert.at.localeCompare(a.alert.at));
}

/**
 * One entry for each visit that needs its officers: {session, top, open, more, danger, level}, the worst first. `top`: its
 * worst alert, or null where only its quorum is in danger; `open`: all of them; `more`: how many others are open.
 */
export function entriesOf(sessions, now = null) {
  const open = Map.groupBy(openAlerts(sessions, now), ({ session }) => session.id);
  const entries = sessions.map((session) => entryOf(session, open.get(session.id) ?? [])).filter(Boolean);
  return entries.sort((a, b) => a.rank - b.rank || b.at.localeCompare(a.at));
}

function entryOf(session, open) {
  const [top = null, ...more] = open;
  const danger = dangerOf(session);
  if (!top && !danger) return null;
  const untaken = danger && !(top && top.isGrave && top.alert.state === "taken");
  const worst = untaken ? 0 : rank(top);
  const level = danger || top?.isGrave ? (worst === 1 ? "taken" : "grave") : "advisory";
  return { session, top, open, more: more.length, danger, level, rank: danger === "lost" ? worst - 1 : worst, at: top?.alert.at ?? "" };
}
