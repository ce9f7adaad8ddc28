/**
 * Type and last characters of the documents of one's own side's people, for the officer who checks them.
 *
 * The server journals each reading, so that they are fetched once a visit, when its check-in is first shown, and
 * forgotten once it is over.
 */
import * as api from "../../api/rest.js";
import { isCheckedIn, sidesOf } from "../../state/sessions.js";

const RETRY = 10_000; // ms until what could not be fetched is fetched again

export class Identities {
  #site;
  #changed;
  #found = new Map(); // session id -> person id -> {kind, last_four}; null while they are not there

  /** @param site the officer's own @param changed called when they have arrived */
  constructor(site, changed) {
    this.#site = site;
    this.#changed = changed;
  }

  /** The documents of a visit's people by their ids; null while they are not there. */
  of = ({ id }) => this.#found.get(id) ?? null;

  /** Fetches those of the visit that is shown, and forgets those of visits whose check-in is over. */
  follow(shown, sessions) {
    for (const id of this.#found.keys()) {
      if (!sessions.some((session) => session.id === id && isCheckedIn(session))) this.#found.delete(id);
    }
    if (!shown || !isCheckedIn(shown) || !sidesOf(shown, this.#site).length || this.#found.has(shown.id)) return;
    this.#found.set(shown.id, null);
    this.#fetch(shown.id);
  }

  async #fetch(id) {
    try {
      const { people } = await api.identities(id);
      if (!this.#found.has(id)) return; // its check-in is over
      this.#found.set(id, new Map(people.map((person) => [person.person, person])));
      this.#changed();
    } catch {
      setTimeout(() => { this.#found.delete(id); this.#changed(); }, RETRY); // the desk says that they are not there
    }
  }
}
