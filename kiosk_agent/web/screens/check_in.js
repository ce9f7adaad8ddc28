/** The rules of the visit in the regulation's own words, read aloud if wished; the room acknowledges them at the end. */
import { byTouch, el, setText } from "../dom.js";
import { Reader } from "../parts/reader.js";
import { say, settings } from "../settings.js";
import { WORDS } from "../words.js";

export class CheckIn {
  #page;
  #title = el("h1");
  #lead = el("p", { class: "lead" });
  #points = el("ol", { class: "points" });
  #pages = el("div", { class: "pages", tabindex: "0", role: "group" }, this.#points);
  #read = el("button", { type: "button" });
  #back = el("button", { type: "button" });
  #next = el("button", { type: "button" });
  #where = el("p", { class: "where", role: "status" });
  #confirm = el("button", { type: "button", class: "primary" });
  #foot = el("div", { class: "foot" }, this.#read, this.#back, this.#where, this.#next, this.#confirm);
  node = el("div", { class: "screen check-in" }, el("div", { class: "head" }, this.#title, this.#lead), this.#pages,
    this.#foot);
  #screen = null;
  #at = 0;
  #count = 1;
  #shape = "";
  #sent = null;
  #seen = new ResizeObserver(() => this.#lay());
  #reader = new Reader(() => this.#words());

  constructor(page) {
    this.#page = page;
    this.#read.addEventListener("click", () => this.#reader.toggle(this.#screen.rules));
    this.#back.addEventListener("click", () => this.#turn(-1));
    this.#next.addEventListener("click", () => this.#turn(1));
    this.#confirm.addEventListener("click", (event) => this.#acknowledge(event));
    this.#seen.observe(this.#pages);
  }

  update(screen) {
    this.#screen = screen;
    const shape = `${screen.session} ${settings.language} ${settings.large}`;
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#reader.stop();
      this.#points.replaceChildren(...screen.rules.points.map((point) => el("li", {}, say(point))));
      this.#at = 0;
    }
    this.#words();
    this.#lay();
  }

  close() {
    this.#seen.disconnect();
    this.#reader.stop();
  }

  #words() {
    setText(this.#title, say(this.#screen.title));
    setText(this.#lead, say(this.#screen.rules.lead));
    setText(this.#read, say(this.#reader.reading ? WORDS.stopReading : WORDS.read));
    setText(this.#back, say(WORDS.previous));
    setText(this.#next, say(WORDS.next));
    const sent = this.#sent === this.#screen.session;
    setText(this.#confirm, say(sent ? WORDS.acknowledged : WORDS.acknowledge));
    this.#pages.setAttribute("aria-label", say(this.#screen.title));
  }

  /** Columns that do not fit are further pages. */
  #lay() {
    const { clientWidth, scrollWidth } = this.#pages;
    if (!clientWidth) return;
    this.#count = Math.max(1, Math.round(scrollWidth / clientWidth));
    this.#at = Math.min(this.#at, this.#count - 1);
    this.#pages.scrollTo({ left: this.#at * clientWidth });
    const several = this.#count > 1;
    for (const node of [this.#back, this.#next, this.#where]) node.hidden = !several;
    this.#back.disabled = this.#at === 0;
    this.#next.hidden = !several || this.#at === this.#count - 1;
    this.#confirm.hidden = this.#at < this.#count - 1;
    setText(this.#where, say(WORDS.page, { n: this.#at + 1, of: this.#count }));
  }

  #turn(by) {
    this.#at = Math.max(0, Math.min(this.#count - 1, this.#at + by));
    this.#lay();
    (by > 0 && !this.#confirm.hidden ? this.#confirm : by > 0 ? this.#next : this.#back).focus();
  }

  #acknowledge(event) {
    this.#sent = this.#screen.session;
    this.#words();
    const { session } = this.#screen;
    this.#page.send("rules_read", { session, language: settings.language, touch: byTouch(event) });
  }
}
