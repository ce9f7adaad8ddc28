/** The visit: the far room large, this one small, what is said about the sound, the time that is left, the end. */
import { el, setText } from "../dom.js";
import { Countdown } from "../parts/countdown.js";
import { SelfPicture } from "../parts/self_picture.js";
import { say } from "../settings.js";
import { WORDS } from "../words.js";

export class Live {
  #page;
  #title = el("h1");
  #far = el("video", { class: "far", autoplay: true, playsinline: true });
  #wait = el("p", { class: "wait", role: "status" });
  #countdown = new Countdown();
  #self;
  node;

  constructor(page) {
    this.#page = page;
    this.#self = new SelfPicture(page.devices);
    this.#far.muted = true; // its sound has a player of its own
    for (const type of ["playing", "emptied"]) this.#far.addEventListener(type, () => this.#waits());
    this.node = el("div", { class: "screen live" },
      el("div", { class: "picture" }, this.#far, this.#wait, this.#self.node),
      page.farewell.text,
      el("div", { class: "bar" }, this.#title, this.#countdown.node, page.farewell.node));
  }

  update(screen, deadline) {
    setText(this.#title, say(screen.title));
    this.#far.setAttribute("aria-label", say(WORDS.far));
    setText(this.#wait, say(WORDS.farWaiting));
    if (this.#far.srcObject !== this.#page.peers.far) this.#far.srcObject = this.#page.peers.far;
    this.#waits();
    this.#self.update();
    this.#countdown.update(deadline);
  }

  close() {
    this.#far.srcObject = null;
    this.#self.close();
    this.#countdown.close();
  }

  #waits() {
    this.#wait.hidden = this.#far.videoWidth > 0;
  }
}
