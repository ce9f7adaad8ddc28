/**
 * How long a piece of work takes yet, estimated from what was seen of its progress, of the last minute where
 * that is enough: visits slow it down.
 */
const ENOUGH = 0.05; // share of the work that must be seen before anything is said
const WINDOW = 60_000; // ms

export class Remaining {
  #seen = [];

  /** @param {number} share what is done, 0 to 1 @param {number} now in ms @returns {number | null} seconds, null while nothing can be said */
  after(share, now) {
    if (this.#seen.length && share < this.#seen.at(-1).share) this.#seen = []; // it was begun anew
    this.#seen.push({ share, now });
    while (this.#isOld(share, now)) this.#seen.shift();
    const first = this.#seen[0];
    const [done, time] = [share - first.share, now - first.now];
    return done >= ENOUGH && time > 0 ? ((time / done) * (1 - share)) / 1000 : null;
  }

  /** Whether enough is seen without the first look. */
  #isOld(share, now) {
    const second = this.#seen[1];
    return second !== undefined && now - second.now >= WINDOW && share - second.share >= ENOUGH;
  }
}
