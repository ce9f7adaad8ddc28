/**
 * The question whether the officer still watches (Yunnan 26(3), Guangdong 27), and where they count.
 */
import { dutyTone } from "./sound.js";
import { attentionDialog } from "./view/attention.js";

export class Attention {
  #answer;
  #dialog = null;

  /** @param answer (prompt id) => Promise */
  constructor(answer) {
    this.#answer = answer;
  }

  /** A question of the server, perhaps the same one again after a new socket. */
  ask({ id, answer_within_ms: within }) {
    if (this.#dialog?.id === id) return this.#dialog.dueIn(within);
    this.close();
    this.#dialog = attentionDialog(id, within, () => this.#answer(id));
    if (within > 0) dutyTone("ask");
  }

  /** Closes a question that another window has answered; `prompt` is the one still open, or null. */
  keep(prompt) {
    if (this.#dialog && this.#dialog.id !== prompt) this.close();
  }

  tick() {
    this.#dialog?.tick();
  }

  close() {
    this.#dialog?.close();
    this.#dialog = null;
  }
}
