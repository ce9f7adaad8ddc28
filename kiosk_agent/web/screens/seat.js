/** Where to sit: the room's own picture with a frame, and whether light and sound are good. */
import { el, setLines, setText } from "../dom.js";
import { Meters } from "../parts/meters.js";
import { SelfPicture } from "../parts/self_picture.js";
import { say } from "../settings.js";

export class Seat {
  #title = el("h1");
  #lines = el("div", { class: "lines" });
  #self;
  #meters;
  node;

  constructor({ devices, figures }) {
    this.#self = new SelfPicture(devices);
    this.#meters = new Meters(figures);
    const picture = el("div", { class: "picture" }, this.#self.node, el("div", { class: "frame", "aria-hidden": "true" }));
    const side = el("div", { class: "side" }, this.#title, this.#lines, this.#meters.node);
    this.node = el("div", { class: "screen seat" }, picture, side);
  }

  update(screen) {
    setText(this.#title, say(screen.title));
    setLines(this.#lines, screen.lines.map((line) => say(line)));
    this.#self.update();
    this.#meters.update();
  }

  close() {
    this.#self.close();
    this.#meters.close();
  }
}
