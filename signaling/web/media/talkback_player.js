/**
 * Plays what colleagues say by talkback to the rooms of the session that is listened to.
 */
import { Whep } from "./whep.js";

export class TalkbackPlayer {
  node = document.createElement("audio");
  #whep = null;
  #session = null;

  constructor() {
    this.node.autoplay = true;
  }

  /** Plays the talkback of this session from now on, or none (null). */
  follow(session) {
    if (session === this.#session) return;
    this.#whep?.close();
    this.#session = session;
    this.#whep = session && new Whep(session, "voice", () => {}, ["audio"]);
    this.node.srcObject = this.#whep?.stream ?? null;
  }
}
