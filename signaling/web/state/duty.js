/**
 * What the page of a signed-in officer knows: the sessions of the day, the wall, the choice, and the connection.
 */
import { dayOf, remainingMs, ServerClock } from "./clock.js";
import { Columns } from "./wall/columns.js";
import { Listening } from "./listening.js";
import { Sessions, sidesOf } from "./sessions.js";
import { ShiftHistory } from "./wall/shift_history.js";
import { WallPlaces } from "./wall/wall_places.js";

export class DutyState {
  sessions = new Sessions();
  clock = new ServerClock();
  listening = new Listening();
  columns = new Columns();
  history = new ShiftHistory();
  qualities = new Map(); // session id -> the server's last quality message
  presence = null; // the server's last message on where the officer counts
  connection = "connecting";
  leaseMs = 3000; // after which a gate shuts by itself; the server's welcome has the real one
  hasSessions = false; // by the socket or the day's list
  hasDay = false; // the day's list has arrived
  day = "";
  chosen = null; // session id
  zoom = null; // {id, side: "prison" | "visitor" | null for both}

  /** @param {{id, name, role, site, sessions_per_supervisor}} me */
  constructor(me) {
    this.me = me;
    this.supervises = me.role === "supervisor"; // an approver neither watches nor intervenes
    this.places = new WallPlaces(me);
  }

  /** The sessions of the day that concern the officer's site, by time. */
  get todays() {
    return this.sessions.ofDay(this.day).filter((session) => sidesOf(session, this.me.site).length > 0);
  }

  get chosenSession() {
    return this.sessions.get(this.chosen);
  }

  /** Whether the day has changed since its list was fetched. */
  get isNextDay() {
    const now = this.clock.now();
    return Boolean(now && this.day && dayOf(now) !== this.day);
  }

  /** Milliseconds left of a session, null while nothing counts. */
  remaining(session) {
    return remainingMs(session, this.sessions.receivedAt(session.id), performance.now());
  }

  /** Stores a view and returns the one before it, or null. */
  update(view) {
    const before = this.sessions.get(view.id);
    this.sessions.update(view);
    this.history.follow(before, view, this.clock.now());
    return before;
  }

  /** Stores the list of a day that was asked for at `askedAt`. */
  updateDay(views, askedAt) {
    this.sessions.updateAll(views, askedAt);
    this.hasDay = this.hasSessions = true;
  }

  /** Arranges the wall after a change. Returns the ids on it, and those that have become duty. */
  arrange() {
    const before = this.places.duty;
    const wasChosen = this.chosenSession;
    const ids = this.supervises ? this.places.follow(this.todays, this.hasDay) : [];
    this.listening.keepWithin(ids);
    for (const id of this.qualities.keys()) if (!ids.includes(id)) this.qualities.delete(id);
    if (!wasChosen) this.chosen = ids[0] ?? null;
    if (this.zoom && !ids.includes(this.zoom.id)) this.zoom = null;
    return { ids, taken: this.places.duty.filter((id) => !before.includes(id)) };
  }

  /** Shows one session, or one side of it, in full; the same call again shows the wall. */
  toggleZoom(id, side) {
    const same = this.zoom?.id === id && this.zoom.side === side;
    this.zoom = same ? null : { id, side };
    this.chosen = id;
  }
}
