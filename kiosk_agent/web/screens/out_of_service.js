/** Not ready, or out of service: why, and what to do. */
import { el, setLines, setText } from "../dom.js";
import { say } from "../settings.js";

export class OutOfService {
  #title = el("h1");
  #lines = el("div", { class: "lines", role: "status" });
  node = el("div", { class: "screen out-of-service" }, el("div", { class: "card" },
    el("span", { class: "sign wait", "aria-hidden": "true" }), this.#title, this.#lines));

  update(screen) {
    setText(this.#title, say(screen.title));
    setLines(this.#lines, screen.lines.map((line) => say(line)));
  }

  close() {}
}
