/** The visit is on hold: why, and what to do meanwhile. Nothing of the far room is shown. */
import { el, setLines, setText } from "../dom.js";
import { say } from "../settings.js";

export class Held {
  #title = el("h1");
  #lines = el("div", { class: "lines", role: "status" });
  node;

  constructor(page) {
    this.node = el("div", { class: "screen held" },
      el("div", { class: "card" }, el("span", { class: "sign pause", "aria-hidden": "true" }), this.#title, this.#lines),
      page.farewell.text, page.farewell.node);
  }

  update(screen) {
    setText(this.#title, say(screen.title));
    const lines = screen.reason ? [screen.reason, ...screen.lines] : screen.lines;
    setLines(this.#lines, lines.map((line) => say(line)));
  }

  close() {}
}
