/**
 * Changes what is watched and for what the officer is on duty; asks first where a quorum suffers.
 */
import { t } from "../i18n/i18n.js";
import { askPlain, askReplaced } from "../ui/dialog.js";
import { inform } from "../ui/toast.js";

export class WallLayout {
  #places;
  #sessionOf;
  #roomNamesOf;
  #changed;

  /** @param {{places: WallPlaces, sessionOf: (id) => object, roomNamesOf: (id) => string, changed: () => void}} parts */
  constructor({ places, sessionOf, roomNamesOf, changed }) {
    this.#places = places;
    this.#sessionOf = sessionOf;
    this.#roomNamesOf = roomNamesOf;
    this.#changed = changed;
  }

  /** Puts a session on the wall; where all places are duty, it replaces one of them. */
  async watch(id) {
    if (!this.#places.roomToLook) return this.#replace(id);
    this.#places.look(id);
    this.#changed();
  }

  /** Takes duty for a session, or leaves it. */
  async toggleDuty(id) {
    if (this.#places.isDuty(id)) return this.#leave(id);
    if (this.#places.full) return this.#replace(id);
    this.#places.take(id);
    this.#changed();
  }

  /** Resizes the wall; a smaller one keeps what is on duty and tells the officer so. */
  resize(size) {
    this.#places.resize(size);
    const duty = this.#places.duty.length;
    if (duty > size) inform(t("duty_stays", { count: duty }));
    this.#changed();
  }

  /** Keeps the wall to the visits that the window holds in pictures that count. */
  hold(capacity) {
    if (this.#places.hold(capacity)) this.#changed();
  }

  async #leave(id) {
    const holds = () => this.#places.isDuty(id);
    if (!(await askPlain({ kind: "leave_duty", session: this.#sessionOf(id), holds, where: this.#roomNamesOf(id), note: false }))) return;
    this.#places.leave(id);
    this.#changed();
  }

  async #replace(id) {
    const duties = this.#places.duty.map((duty) => ({ id: duty, words: this.#roomNamesOf(duty) }));
    const holds = () => duties.every((duty) => this.#places.isDuty(duty.id));
    const left = await askReplaced({ session: this.#sessionOf(id), where: this.#roomNamesOf(id), duties, holds });
    if (!left) return;
    this.#places.take(id, left);
    this.#changed();
  }
}
