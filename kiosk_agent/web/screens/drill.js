/** A drill: the room is tried without people. No face is shown, of this room or of the far one. */
import { el, setLines, setText } from "../dom.js";
import { say } from "../settings.js";

export class Drill {
  #title = el("h1");
  #lines = el("div", { class: "lines", role: "status" });
  node = el("div", { class: "screen drill" }, el("div", { class: "card" },
    el("span", { class: "sign pause", "aria-hidden": "true" }), this.#title, this.#lines));

  update(screen) {
    setText(this.#title, say(screen.title));
    setLines(this.#lines, screen.lines.map((line) => say(line)));
  }

  close() {}
}
