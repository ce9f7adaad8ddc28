/**
 * Places on the wall: which sessions it shows, and for which of them the officer is on duty, that is, may count (Yunnan 25).
 *
 * An officer may look at more sessions than they count for. A session on duty is never given up because another one
 * begins or the wall gets smaller: that would take away its quorum. Only the officer gives it up. After a handover the
 * page takes no duty by itself: the officer has left, and would count for visits that nobody has chosen.
 */
import { watchable } from "../sessions.js";
import { readStored, store } from "../storage.js";

export const LAYOUTS = [1, 2, 4, 6, 9];
const LAYOUT_KEY = "huijian.layout";
const REMEMBERED = 32; // ids of each kind

/**
 * Computes the next wall and duty.
 * @param {string[]} open ids of the sessions that go on, by time
 * @param {{limit, size, duty, declined, first, wall, byHand}} now `limit` of duty, `size` of the wall; lists of ids: on
 *   duty, given up by the officer, chosen by hand (latest first), on the wall; `byHand`: duty is taken by hand alone
 */
export function arrange(open, { limit, size, duty, declined, first, wall, byHand = false }) {
  const going = (ids) => ids.filter((id) => open.includes(id));
  const mine = going(duty);
  const willing = byHand ? [] : going([...first, ...wall, ...open]).filter((id) => !declined.includes(id));
  const onDuty = unique([...mine, ...willing]).slice(0, Math.max(mine.length, Math.min(limit, size)));
  const shown = unique([...onDuty, ...going([...first, ...wall, ...open])]).slice(0, Math.max(size, onDuty.length));
  return { duty: onDuty, wall: shown };
}

const unique = (ids) => [...new Set(ids)];

export class WallPlaces {
  #limit;
  #key;
  #size;
  #duty;
  #declined;
  #first;
  #byHand; // since a handover
  #awaited; // on duty before a reload; their sessions have not been received yet
  #capacity = LAYOUTS.at(-1); // visits that the window holds in pictures that count
  #open = 0;
  wall = [];

  /** @param {{id: string, sessions_per_supervisor: number}} me the window remembers the officer's choice over a reload */
  constructor({ id, sessions_per_supervisor: limit }) {
    this.#limit = limit;
    this.#key = `huijian.wall.${id}`;
    const remembered = readStored("sessionStorage", this.#key) ?? {};
    this.#duty = [];
    this.#awaited = listOf(remembered.duty).slice(0, limit);
    this.#declined = listOf(remembered.declined);
    this.#first = listOf(remembered.first);
    this.#byHand = remembered.byHand === true;
    const size = readStored("localStorage", LAYOUT_KEY);
    this.#size = LAYOUTS.includes(size) ? size : LAYOUTS.find((layout) => layout >= limit) ?? LAYOUTS.at(-1);
  }

  get size() { return this.#size; }
  get limit() { return this.#limit; }
  get duty() { return [...this.#duty]; }
  get full() { return this.#duty.length >= this.#limit; }
  /** How many sessions the wall would show in a window that is large enough. */
  get wanted() { return Math.max(this.#duty.length, Math.min(this.#size, this.#open)); }
  /** Whether the wall has room for a session beside those on duty. */
  get roomToLook() { return this.#held > this.#duty.length; }
  get #held() { return Math.min(this.#size, this.#capacity); }
  isDuty = (id) => this.#duty.includes(id);

  /** Follows the sessions; `settled`: all of the day are here. Returns the ids on the wall. */
  follow(sessions, settled) {
    const open = sessions.filter(watchable).map(({ id }) => id);
    this.#open = open.length;
    const arrived = this.#awaited.filter((id) => open.includes(id));
    this.#awaited = settled ? [] : this.#awaited.filter((id) => !open.includes(id));
    const now = {
      // places of sessions that are still awaited stay free for them
      limit: this.#limit - this.#awaited.length, size: this.#held, duty: unique([...arrived, ...this.#duty]),
      declined: this.#declined, first: this.#first, wall: this.wall, byHand: this.#byHand,
    };
    ({ duty: this.#duty, wall: this.wall } = arrange(open, now));
    if (settled) this.#forgetOthers(sessions.map(({ id }) => id));
    this.#remember();
    return this.wall;
  }

  resize(size) {
    this.#size = size;
    store("localStorage", LAYOUT_KEY, size);
  }

  /** Limits the wall to what the window holds; duty stays on it. @returns whether that changes anything */
  hold(capacity) {
    const changes = capacity !== this.#capacity;
    this.#capacity = capacity;
    return changes;
  }

  /** Puts a session on the wall before all others that are only looked at. */
  look(id) {
    this.#first = unique([id, ...this.#first]);
  }

  /** Takes duty for `id`, and leaves it for `instead` where that is named. */
  take(id, instead = null) {
    this.#declined = this.#declined.filter((other) => other !== id);
    this.#duty = unique([...this.#duty.filter((other) => other !== instead), id]).slice(0, this.#limit);
    this.look(id);
  }

  /** Leaves duty for `id`, which stays on the wall as long as there is room. */
  leave(id) {
    this.#duty = this.#duty.filter((other) => other !== id);
    this.#declined = unique([id, ...this.#declined]);
  }

  /** Leaves duty for what a colleague has taken over; from now on the page takes none by itself. */
  handOver(ids) {
    ids.forEach((id) => this.leave(id));
    this.#byHand = true;
    this.#remember();
  }

  /** Lets the page take duty by itself again when the officer signs in the next time. */
  endShift() {
    this.#byHand = false;
    this.#remember();
  }

  #forgetOthers(ids) {
    this.#declined = this.#declined.filter((id) => ids.includes(id));
    this.#first = this.#first.filter((id) => ids.includes(id));
  }

  #remember() {
    const duty = unique([...this.#duty, ...this.#awaited]);
    store("sessionStorage", this.#key, { duty, declined: this.#declined, first: this.#first, byHand: this.#byHand });
  }
}

/** The ids of a stored list, which other software or a person may have written. */
function listOf(value) {
  return Array.isArray(value) ? value.filter((id) => typeof id === "string").slice(0, REMEMBERED) : [];
}
