/**
 * The officer's own word on what is watched and for what they are on duty; asked twice where a quorum suffers.
 */
import { t } from "./i18n.js";
import { askPlain, askReplaced } from "./view/dialog.js";
import { inform } from "./view/toast.js";

export class Placing {
  #places;
  #roomsOf;
  #changed;

  /** @param {{places: Places, roomsOf: (id) => string, changed: () => void}} with */
  constructor({ places, roomsOf, changed }) {
    this.#places = places;
    this.#roomsOf = roomsOf;
    this.#changed = changed;
  }

  /** Puts a session on the wall; where all places are duty, in the place of one of them. */
  async watch(id) {
    if (!this.#places.roomToLook) return this.#instead(id);
    this.#places.look(id);
    this.#changed();
  }

  /** On duty or only looking: the other one of the two. */
  async toggle(id) {
    if (this.#places.isDuty(id)) return this.#leave(id);
    if (this.#places.full) return this.#instead(id);
    this.#places.take(id);
    this.#changed();
  }

  /** A smaller wall keeps what is on duty, and says so. */
  resize(size) {
    this.#places.resize(size);
    const duty = this.#places.duty.length;
    if (duty > size) inform(t("duty_stays", { count: duty }));
    this.#changed();
  }

  async #leave(id) {
    if (!(await askPlain({ kind: "leave_duty", where: this.#roomsOf(id), note: false }))) return;
    this.#places.leave(id);
    this.#changed();
  }

  async #instead(id) {
    const duties = this.#places.duty.map((one) => ({ id: one, words: this.#roomsOf(one) }));
    const left = await askReplaced({ where: this.#roomsOf(id), duties });
    if (!left) return;
    this.#places.take(id, left);
    this.#changed();
  }
}
