/** The room's own picture, as in a mirror. */
import { el } from "../dom.js";
import { say } from "../settings.js";
import { WORDS } from "../words.js";

export class SelfPicture {
  node = el("video", { class: "self", autoplay: true, playsinline: true });
  #devices;
  #track = null;

  constructor(devices) {
    this.#devices = devices;
    this.node.muted = true;
  }

  update() {
    this.node.setAttribute("aria-label", say(WORDS.self));
    const { video } = this.#devices.tracks;
    if (video === this.#track) return;
    this.#track = video;
    this.node.srcObject = video ? new MediaStream([video]) : null;
  }

  close() {
    this.node.srcObject = null;
  }
}
