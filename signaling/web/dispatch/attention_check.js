/**
 * The attention check: the server's question whether the officer still watches (Yunnan 26(3), Guangdong 27).
 */
import { playTone } from "../media/sound.js";
import { attentionDialog } from "../ui/alerts/attention_check.js";

export class AttentionCheck {
  #answer;
  #dialog = null;

  /** @param answer (prompt id) => Promise */
  constructor(answer) {
    this.#answer = answer;
  }

  /** Shows a question of the server, perhaps the same one again after a new socket. */
  ask({ id, answer_within_ms: within }) {
    if (this.#dialog?.id === id) return this.#dialog.dueIn(within);
    this.close();
    this.#dialog = attentionDialog(id, within, () => this.#answer(id));
    if (within > 0) playTone("ask");
  }

  /** Closes a question that another window has answered; `prompt` is the one still open, or null. */
  keepOnly(prompt) {
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
