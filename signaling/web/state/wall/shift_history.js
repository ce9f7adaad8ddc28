/**
 * What has happened on this officer's shift, as far as the page knows: changes of the visits that it has seen, and what
 * the visits themselves keep of alerts, warnings and extensions. Pure.
 */
const MOST = 400; // lines that are kept; older ones are on the auditors' page

export class ShiftHistory {
  #seen = []; // {at, id, kind, ...}: what the page has seen itself, oldest first, each by the id of its session
  #records = new Map(); // session id -> alerts as the server keeps them

  /** Notes what differs between two views of a session that arrived one after the other. */
  follow(before, after, now) {
    if (!before || !now) return;
    const [at, id] = [now.toISOString(), after.id];
    if (before.state !== after.state) this.#seen.push({ at, id, kind: "state", state: after.state, reason: after.reason });
    for (const mute of after.muted ?? []) {
      if (!(before.muted ?? []).some(({ side }) => side === mute.side)) {
        this.#seen.push({ at, id, kind: "mute", side: mute.side, by: mute.by });
      }
    }
    for (const { side } of before.muted ?? []) {
      if (!(after.muted ?? []).some((mute) => mute.side === side)) this.#seen.push({ at, id, kind: "unmute", side });
    }
    if (after.speech && !before.speech) this.#seen.push({ at, id, kind: "talkback", by: after.speech.by });
    this.#seen = this.#seen.slice(-MOST);
  }

  /** Stores the alerts of a session, done ones too, as the server keeps them. */
  record(id, alerts) {
    this.#records.set(id, alerts);
  }

  /** Forgets what was of sessions that are not of the day any more. */
  keepWithin(ids) {
    const kept = new Set(ids);
    for (const id of this.#records.keys()) if (!kept.has(id)) this.#records.delete(id);
    this.#seen = this.#seen.filter(({ id }) => kept.has(id));
  }

  /** The lines of the history, newest first: {at, session, kind, alert?, by?, ...}. */
  lines(sessions) {
    const kept = sessions.flatMap((session) => [
      ...this.#alertsOf(session).flatMap((alert) => linesOfAlert(session, alert)),
      ...(session.warnings ?? []).map((warning) => ({ at: warning.at, session, kind: "warning", warning, by: warning.by })),
      ...(session.extensions ?? []).map((extension) => ({ at: extension.at, session, kind: "extension", extension, by: extension.by })),
    ]);
    const byId = new Map(sessions.map((session) => [session.id, session]));
    const seen = this.#seen.filter(({ id }) => byId.has(id)).map((line) => ({ ...line, session: byId.get(line.id) }));
    return [...kept, ...seen].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, MOST);
  }

  /** All alerts of a session: the open ones as they are now, and those that its record adds. */
  #alertsOf({ id, alerts = [] }) {
    const open = new Set(alerts.map((alert) => alert.id));
    return [...alerts, ...(this.#records.get(id) ?? []).filter((alert) => !open.has(alert.id))];
  }
}

function linesOfAlert(session, alert) {
  const lines = [{ at: alert.at, session, kind: "alert_new", alert }];
  if (alert.taken_at) lines.push({ at: alert.taken_at, session, kind: "alert_taken", alert, by: alert.taken_by });
  if (alert.done_at) lines.push({ at: alert.done_at, session, kind: alert.done_by ? "alert_done" : "alert_gone", alert, by: alert.done_by });
  return lines;
}
