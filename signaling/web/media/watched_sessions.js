/**
 * The watched sessions: both sides of each are received, as many as the wall holds.
 */
import { SIDES } from "../state/sessions.js";
import { Whep } from "./whep.js";

export class WatchedSessions {
  #sides = new Map(); // session id -> {prison: Whep, visitor: Whep}
  #changed;

  /** @param changed called with the session's id after a change of one of its sides */
  constructor(changed) {
    this.#changed = changed;
  }

  get ids() {
    return [...this.#sides.keys()];
  }

  has = (id) => this.#sides.has(id);
  get = (id, side) => this.#sides.get(id)?.[side] ?? null;

  /** Receives exactly these sessions from now on; `over(id)`: whether the server has ended the session. */
  follow(ids, over = () => false) {
    for (const id of this.ids) if (!ids.includes(id)) this.#leave(id, over(id));
    for (const id of ids) {
      if (this.has(id)) continue;
      const open = (side) => [side, new Whep(id, side, () => this.#changed(id))];
      this.#sides.set(id, Object.fromEntries(SIDES.map(open)));
    }
  }

  /** Passes on to each side whether its room sends now. */
  expect(session) {
    for (const side of SIDES) this.get(session.id, side)?.expect(session.sides[side].media);
  }

  close() {
    for (const id of this.ids) this.#leave(id);
  }

  #leave(id, over = false) {
    const sides = this.#sides.get(id);
    this.#sides.delete(id);
    Object.values(sides).forEach((whep) => whep.close(over));
  }
}
