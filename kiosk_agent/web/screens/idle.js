/** No visit: the clock, and when the next one begins, by the number of its slot. */
import { el, setText } from "../dom.js";
import { dateOf, timeOf } from "../parts/clock.js";
import { say } from "../settings.js";
import { WORDS } from "../words.js";

export class Idle {
  #title = el("h1");
  #time = el("p", { class: "time", "aria-hidden": "true" });
  #date = el("p", { class: "date" });
  #head = el("h2");
  #at = el("p", { class: "at" });
  #slot = el("p", { class: "slot" });
  #next = el("section", { class: "next" }, this.#head, this.#at, this.#slot);
  node = el("div", { class: "screen idle" }, this.#time, this.#date, this.#title, this.#next);
  #timer = setInterval(() => this.#tick(), 1000);

  update(screen) {
    setText(this.#title, say(screen.title));
    this.#next.hidden = !screen.next;
    if (screen.next) {
      setText(this.#head, say(WORDS.nextVisit));
      setText(this.#at, screen.next.time);
      setText(this.#slot, `${say(WORDS.slot)} ${screen.next.slot}`);
    }
    this.#tick();
  }

  close() {
    clearInterval(this.#timer);
  }

  #tick() {
    const now = new Date();
    setText(this.#time, timeOf(now));
    setText(this.#date, dateOf(now));
  }
}
