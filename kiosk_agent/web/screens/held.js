/** The visit is on hold: why, and what to do meanwhile. Nothing of the far room is shown. */
import { el, setLines, setText } from "../dom.js";
import { FarewellControl } from "../parts/farewell.js";
import { say } from "../settings.js";

export class Held {
  #title = el("h1");
  #lines = el("div", { class: "lines", role: "status" });
  #farewell;
  node;

  constructor(page) {
    this.#farewell = new FarewellControl((on) => page.send("finished", { on }));
    this.node = el("div", { class: "screen held" },
      el("div", { class: "card" }, el("span", { class: "sign pause", "aria-hidden": "true" }), this.#title, this.#lines),
      this.#farewell.text, this.#farewell.node);
  }

  update(screen) {
    setText(this.#title, say(screen.title));
    const lines = screen.reason ? [screen.reason, ...screen.lines] : screen.lines;
    setLines(this.#lines, lines.map((line) => say(line)));
    this.#farewell.update(screen.farewell);
  }

  close() {
    this.#farewell.close();
  }
}
