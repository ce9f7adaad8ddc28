/** The time that is left, once the agent says it: minutes and seconds, marked in the last minute. */
import { el, setText } from "../dom.js";
import { say } from "../settings.js";
import { WORDS } from "../words.js";

const LAST = 60; // s

export class Countdown {
  #label = el("span", { class: "label" });
  #time = el("strong");
  node = el("p", { class: "countdown", role: "timer", hidden: true }, this.#label, this.#time);
  #deadline = null;
  #timer = setInterval(() => this.#tick(), 250);

  update(deadline) {
    this.#deadline = deadline;
    setText(this.#label, say(WORDS.left));
    this.#tick();
  }

  close() {
    clearInterval(this.#timer);
  }

  #tick() {
    this.node.hidden = this.#deadline === null;
    if (this.#deadline === null) return;
    const left = Math.max(0, Math.ceil((this.#deadline - performance.now()) / 1000));
    setText(this.#time, `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`);
    this.node.classList.toggle("last", left <= LAST);
  }
}
