/** The visit is over: why, thanks, and what to do next. */
import { el, setLines, setText } from "../dom.js";
import { say } from "../settings.js";

export class Ended {
  #title = el("h1");
  #lines = el("div", { class: "lines", role: "status" });
  node = el("div", { class: "screen ended" }, el("div", { class: "card" },
    el("span", { class: "sign done", "aria-hidden": "true" }), this.#title, this.#lines));

  update(screen) {
    setText(this.#title, say(screen.title));
    const lines = screen.reason ? [screen.reason, ...screen.lines] : screen.lines;
    setLines(this.#lines, lines.map((line) => say(line)));
  }

  close() {}
}
