/**
 * Tells the server what this window really shows (Yunnan 25, Guangdong 27): once a second, and at once when it changes.
 *
 * A picture counts as shown while its <video> plays, has a frame, is laid out, and the browser has
 * presented a new frame in the last two seconds. A frozen page says nothing, which the server notices.
 */
import { PAGE } from "./page.js";

const EVERY = 1000;
const LOOK = 250; // between looks for pictures that came or stopped
const FRESH = 2000; // as long as the server's own patience with a picture that stands still
const STIRS = ["pause", "play", "playing", "emptied"];

export class Presence {
  #tell;
  #duty;
  #timer = 0;
  #toldAt = 0;
  #told = "";
  #frames = new WeakMap(); // video -> performance.now() of its last presented frame
  #frozen = false;

  /** @param {{tell: (type, what) => void, duty: () => string[]}} from duty: the sessions to be counted for */
  constructor({ tell, duty }) {
    this.#tell = tell;
    this.#duty = duty;
  }

  start() {
    this.#timer = setInterval(() => this.#look(), LOOK);
    document.addEventListener("visibilitychange", this.#now);
    document.addEventListener("freeze", this.#freeze);
    document.addEventListener("resume", this.#resume);
    for (const name of STIRS) document.addEventListener(name, this.#now, true); // media events do not bubble
    this.now();
  }

  /** Says a last time that nothing is seen here any more. */
  stop() {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#now);
    document.removeEventListener("freeze", this.#freeze);
    document.removeEventListener("resume", this.#resume);
    for (const name of STIRS) document.removeEventListener(name, this.#now, true);
    this.#say({ page: PAGE, visible: false, showing: [], duty: [] });
  }

  /** Tells at once, for somebody who knows that something has changed (a new socket, another choice). */
  now() {
    this.#told = "";
    this.#look();
  }

  #now = () => this.#look();

  #freeze = () => {
    this.#frozen = true;
    this.#look();
  };

  #resume = () => {
    this.#frozen = false;
    this.now();
  };

  #look() {
    const what = {
      page: PAGE,
      visible: document.visibilityState === "visible" && !this.#frozen,
      showing: this.#showing(),
      duty: this.#duty(),
    };
    if (JSON.stringify(what) !== this.#told || performance.now() - this.#toldAt >= EVERY) this.#say(what);
  }

  #say(what) {
    this.#told = JSON.stringify(what);
    this.#toldAt = performance.now();
    this.#tell("presence", what);
  }

  #showing() {
    const videos = [...document.querySelectorAll("video[data-session]")];
    videos.filter((video) => !this.#frames.has(video)).forEach((video) => this.#follow(video));
    const shown = videos.filter((video) => this.#moves(video));
    return shown.map(({ dataset }) => ({ session: dataset.session, side: dataset.side }));
  }

  #moves(video) {
    const fresh = performance.now() - this.#frames.get(video) < FRESH;
    return fresh && !video.paused && video.readyState >= 2 && laidOut(video);
  }

  /** Notes each frame that the browser presents. */
  #follow(video) {
    this.#frames.set(video, -Infinity);
    const presented = () => {
      this.#frames.set(video, performance.now());
      video.requestVideoFrameCallback(presented);
    };
    video.requestVideoFrameCallback(presented);
  }
}

const laidOut = (video) => video.checkVisibility?.({ visibilityProperty: true }) ?? video.offsetWidth > 0;
