/**
 * The sessions that the server has reported, each with the moment at which its view arrived.
 */
import { dayOf } from "./clock.js";
import { setApart } from "./visit_names.js";

export const WATCHABLE = new Set(["check_in", "ready", "live", "held"]);
export const SIDES = ["prison", "visitor"];

const earlier = (a, b) => a.starts_at.localeCompare(b.starts_at) || a.id.localeCompare(b.id);
/** Whether officers watch a session: one that goes on and is no drill, in which only programs count. */
export const watchable = (session) => WATCHABLE.has(session.state) && !session.drill;
/** Whether people are being checked in. */
export const isCheckedIn = (session) => session.state === "check_in" || session.state === "ready";
/** Whether a visit has not begun: its check-in is to come, or goes on. */
export const isBeforeStart = (session) => session.state === "scheduled" || isCheckedIn(session);
/** Where the room of a side is: "here", "lost" once its line has broken, "absent" before it has ever come. */
export const roomOf = ({ sides }, side) => (sides[side].media ? "here" : sides[side].lost ? "lost" : "absent");
/** The sides that belong to a site: usually one, both when two rooms of one prison meet. */
export const sidesOf = (session, site) => SIDES.filter((side) => session.sides[side].site === site);

export class Sessions {
  #views = new Map(); // id -> {view, receivedAt}

  update(view) {
    view.apart = this.get(view.id)?.apart ?? [];
    this.#views.set(view.id, { view, receivedAt: performance.now() });
  }

  /** Stores a list that was asked for at `askedAt`; younger messages of the socket win. */
  updateAll(views, askedAt) {
    for (const view of views) {
      if ((this.receivedAt(view.id) ?? -1) < askedAt) this.update(view);
    }
  }

  get = (id) => this.#views.get(id)?.view ?? null;
  receivedAt = (id) => this.#views.get(id)?.receivedAt ?? null;

  /**
   * The sessions of `day` and any other that still goes on, by time; the rest is forgotten. Each gets `apart`: the facts
   * without which it would read like another one of them.
   */
  ofDay(day) {
    for (const [id, { view }] of this.#views) {
      if (!watchable(view) && dayOf(new Date(view.starts_at)) !== day) this.#views.delete(id);
    }
    const views = [...this.#views.values()].map(({ view }) => view).sort(earlier);
    const facts = setApart(views);
    for (const view of views) view.apart = facts.get(view.id);
    return views;
  }
}
