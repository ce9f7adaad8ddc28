/**
 * What the page knows of the sessions of its site, and which of them it watches.
 */
import { dayOf } from "./clock.js";

export const WATCHABLE = new Set(["check_in", "ready", "live", "held"]);
export const SIDES = ["prison", "visitor"];

const earlier = (a, b) => a.starts_at.localeCompare(b.starts_at) || a.id.localeCompare(b.id);
export const watchable = (session) => WATCHABLE.has(session.state);
/** The sides that belong to my site: usually one, both when two rooms of one prison meet. */
export const sidesOf = (session, site) => SIDES.filter((side) => session.sides[side].site === site);

export class Sessions {
  #known = new Map(); // id -> {view, heardAt}

  hear(view) {
    this.#known.set(view.id, { view, heardAt: performance.now() });
  }

  /** Takes over a day's list that was asked for at `askedAt`; younger messages of the socket win. */
  hearDay(views, askedAt) {
    for (const view of views) {
      if ((this.heardAt(view.id) ?? -1) < askedAt) this.hear(view);
    }
  }

  get = (id) => this.#known.get(id)?.view ?? null;
  heardAt = (id) => this.#known.get(id)?.heardAt ?? null;
  clear = () => this.#known.clear();

  /** Sessions of `day` plus any other that is still going on, by time; the rest is forgotten. */
  ofDay(day) {
    for (const [id, { view }] of this.#known) {
      if (!watchable(view) && dayOf(new Date(view.starts_at)) !== day) this.#known.delete(id);
    }
    return [...this.#known.values()].map(({ view }) => view).sort(earlier);
  }
}
