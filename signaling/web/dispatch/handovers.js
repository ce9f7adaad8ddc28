/**
 * Handovers (交班): this officer asks a colleague to take over visits, or is asked. The server completes one when the
 * colleague counts; only then this page gives its duty up.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { handedOver } from "../state/leaving.js";
import { askHandover } from "../ui/leaving.js";
import { complain, inform } from "../ui/toast.js";

const OPEN = new Set(["offered", "accepted"]);

export class Handovers {
  #me;
  #places;
  #todays;
  #changed;
  #leave;
  #open = new Map();
  #leavesAfter = "";

  /** @param {{me, places: WallPlaces, todays: () => Array, changed: () => void, leave: (handedOver: string[]) => void}} parts
   *   leave: signs this officer out, who asked for it before the visits of these ids were handed over */
  constructor({ me, places, todays, changed, leave }) {
    this.#me = me;
    this.#places = places;
    this.#todays = todays;
    this.#changed = changed;
    this.#leave = leave;
  }

  /** The handovers that are under way for this officer. */
  get all() {
    return [...this.#open.values()];
  }

  /** Forgets what was told on an earlier socket: the server repeats what is under way. */
  forget() {
    this.#open.clear();
  }

  /** Asks whom to hand over to and which visits, and begins. `thenLeave`: sign out once it is completed. */
  async begin(thenLeave = false) {
    const mine = handedOver(this.#todays(), this.#me);
    try {
      const { colleagues, most } = await api.colleagues();
      if (!mine.length || !colleagues.length) throw api.localProblem(mine.length ? "no_colleague" : "nothing_to_hand_over");
      const holds = () => {
        const now = new Set(handedOver(this.#todays(), this.#me).map(({ id }) => id));
        return mine.every(({ id }) => now.has(id));
      };
      const answer = await askHandover({ colleagues, most, sessions: mine, holds });
      if (!answer) return;
      const made = await api.handOver({ id: api.newId("hnd"), ...answer });
      this.#leavesAfter = thenLeave ? made.id : "";
      this.handle(made);
    } catch (error) {
      complain(api.asProblem(error));
    }
  }

  /** Answers: accept or decline what a colleague asks, withdraw what this officer has asked. */
  async answer(id, word) {
    try {
      this.handle(await api.answerHandover(id, word));
    } catch (error) {
      complain(api.asProblem(error));
    }
  }

  /** Follows a handover as the server tells it. */
  handle(view) {
    const before = this.#open.get(view.id);
    const gives = view.giver.id === this.#me.id;
    if (OPEN.has(view.stage)) this.#open.set(view.id, view);
    else this.#open.delete(view.id);
    if (view.stage === "accepted" && !gives && before?.stage !== "accepted") view.sessions.forEach((id) => this.#places.take(id));
    const isReleased = Boolean(before) && gives && view.stage === "completed";
    if (isReleased) this.#places.handOver(view.sessions);
    this.#changed();
    if (before && !OPEN.has(view.stage)) this.#tell(view, gives);
    if (isReleased && this.#leavesAfter === view.id) this.#leave(view.sessions);
  }

  #tell({ stage, giver, taker }, gives) {
    inform(t(`handover_${stage}_${gives ? "giver" : "taker"}`, { name: (gives ? taker : giver).name }));
  }
}
