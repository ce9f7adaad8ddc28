/** What is waited for, in words, with the room's own picture beside it. */
import { el, setLines, setText } from "../dom.js";
import { SelfPicture } from "../parts/self_picture.js";
import { say } from "../settings.js";

export class Waiting {
  #title = el("h1");
  #lines = el("div", { class: "lines waits", role: "status" });
  #self;
  node;

  constructor({ devices }) {
    this.#self = new SelfPicture(devices);
    const text = el("div", { class: "side" }, this.#title, this.#lines);
    this.node = el("div", { class: "screen waiting" }, text, el("div", { class: "picture" }, this.#self.node));
  }

  update(screen) {
    setText(this.#title, say(screen.title));
    setLines(this.#lines, screen.lines.map((line) => say(line)));
    this.#self.update();
  }

  close() {
    this.#self.close();
  }
}
