/**
 * The choice of what is heard: one side of one session, both sides of one session, or nothing.
 */
export class Listening {
  #choice = null; // {session, side: "prison" | "visitor" | "both"}

  hears(session, side) {
    const choice = this.#choice;
    return choice?.session === session && (choice.side === side || choice.side === "both");
  }

  is(session, side) {
    return this.#choice?.session === session && this.#choice.side === side;
  }

  /** The id of the session that is heard, or null. */
  get session() {
    return this.#choice?.session ?? null;
  }

  get silent() {
    return this.#choice === null;
  }

  /** Chooses what is heard; choosing the same again turns the sound off. */
  toggle(session, side) {
    this.#choice = this.is(session, side) ? null : { session, side };
  }

  /** Forgets a choice whose session is no longer watched. */
  keepWithin(sessions) {
    if (this.#choice && !sessions.includes(this.#choice.session)) this.#choice = null;
  }
}
