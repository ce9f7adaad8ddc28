/**
 * Which sessions stand on the wall, and for which of them the officer is on duty: may count (Yunnan 25).
 *
 * Who counts for a few may look at more. A session on duty is never given up because another one begins or the wall
 * gets smaller: that would take away its quorum. Only the person's own word does.
 */
import { keep, recall } from "./kept.js";
import { watchable } from "./sessions.js";

export const LAYOUTS = [1, 2, 4, 6, 9];
const LAYOUT_KEY = "huijian.layout";
const KEPT = 32; // ids remembered of each kind

/**
 * The next wall and duty.
 * @param {string[]} open ids of what goes on, by time
 * @param {{limit, size, duty, declined, first, wall}} now `limit` of duty, `size` of the wall; lists of ids: on duty,
 *   expressly not on duty, chosen by hand (latest first), on the wall
 */
export function arrange(open, { limit, size, duty, declined, first, wall }) {
  const going = (ids) => ids.filter((id) => open.includes(id));
  const mine = going(duty);
  const willing = going([...first, ...wall, ...open]).filter((id) => !declined.includes(id));
  const onDuty = unique([...mine, ...willing]).slice(0, Math.max(mine.length, Math.min(limit, size)));
  const shown = unique([...onDuty, ...going([...first, ...wall, ...open])]).slice(0, Math.max(size, onDuty.length));
  return { duty: onDuty, wall: shown };
}

const unique = (ids) => [...new Set(ids)];

export class Places {
  #limit;
  #key;
  #size;
  #duty;
  #declined;
  #first;
  #awaited; // on duty before a reload; their sessions have not been heard of yet
  wall = [];

  /** @param {{id: string, sessions_per_supervisor: number}} me the window remembers their choice over a reload */
  constructor({ id, sessions_per_supervisor: limit }) {
    this.#limit = limit;
    this.#key = `huijian.wall.${id}`;
    const known = recall("sessionStorage", this.#key) ?? {};
    this.#duty = [];
    this.#awaited = listOf(known.duty).slice(0, limit);
    this.#declined = listOf(known.declined);
    this.#first = listOf(known.first);
    const size = recall("localStorage", LAYOUT_KEY);
    this.#size = LAYOUTS.includes(size) ? size : LAYOUTS.find((one) => one >= limit) ?? LAYOUTS.at(-1);
  }

  get size() { return this.#size; }
  get limit() { return this.#limit; }
  get duty() { return [...this.#duty]; }
  get full() { return this.#duty.length >= this.#limit; }
  /** Whether something may be looked at beside the duty without making the wall larger. */
  get roomToLook() { return this.#size > this.#duty.length; }
  isDuty = (id) => this.#duty.includes(id);

  /** Follows what goes on; `settled`: all sessions of the day are known. Returns the ids on the wall. */
  follow(sessions, settled) {
    const open = sessions.filter(watchable).map(({ id }) => id);
    const heard = this.#awaited.filter((id) => open.includes(id));
    this.#awaited = settled ? [] : this.#awaited.filter((id) => !open.includes(id));
    const now = {
      // places of those who are still awaited stay free for them
      limit: this.#limit - this.#awaited.length, size: this.#size, duty: unique([...heard, ...this.#duty]),
      declined: this.#declined, first: this.#first, wall: this.wall,
    };
    ({ duty: this.#duty, wall: this.wall } = arrange(open, now));
    if (settled) this.#forget(sessions.map(({ id }) => id));
    this.#remember();
    return this.wall;
  }

  resize(size) {
    this.#size = size;
    keep("localStorage", LAYOUT_KEY, size);
  }

  /** Puts a session on the wall before all that is only looked at. */
  look(id) {
    this.#first = unique([id, ...this.#first]);
  }

  /** On duty for `id` from now on, no longer for `instead` where that is named. */
  take(id, instead = null) {
    this.#declined = this.#declined.filter((one) => one !== id);
    this.#duty = unique([...this.#duty.filter((one) => one !== instead), id]).slice(0, this.#limit);
    this.look(id);
  }

  /** No longer on duty for `id`; it stays on the wall as long as there is room. */
  leave(id) {
    this.#duty = this.#duty.filter((one) => one !== id);
    this.#declined = unique([id, ...this.#declined]);
  }

  #forget(known) {
    this.#declined = this.#declined.filter((id) => known.includes(id));
    this.#first = this.#first.filter((id) => known.includes(id));
  }

  #remember() {
    const duty = unique([...this.#duty, ...this.#awaited]);
    keep("sessionStorage", this.#key, { duty, declined: this.#declined, first: this.#first });
  }
}

/** What storage gave back, which anybody may have written. */
function listOf(value) {
  return Array.isArray(value) ? value.filter((id) => typeof id === "string").slice(0, KEPT) : [];
}
