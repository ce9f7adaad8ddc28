/**
 * The page report: what this window really shows (Yunnan 25, Guangdong 27), twice a second and at once when it changes.
 *
 * A picture counts as shown while its <video> plays, has a frame, is laid out, and the browser has presented a new frame
 * in the last two seconds. How large it is and how much of it can be seen is reported with it, and judged by the server.
 * A frozen page reports nothing, which the server notices.
 */
import { PAGE } from "../state/page_id.js";
import { PictureSight } from "./picture_sight.js";

const EVERY = 450; // ms between reports, seen at the second check: two may be late before the page counts as silent
const CHECK = 250; // ms between checks for pictures that came or stopped
const FRESH = 2000; // ms: the server's own limit for a picture that stands still
const MEDIA_EVENTS = ["pause", "play", "playing", "emptied"];

export class PageReport {
  #send;
  #duty;
  #timer = 0;
  #sentAt = 0;
  #sent = "";
  #frames = new WeakMap(); // video -> performance.now() of its last presented frame
  #frozen = false;
  #sight = new PictureSight(() => this.#check());

  /** @param {{send: (type, members) => void, duty: () => string[]}} parts duty: the sessions for which the officer counts */
  constructor({ send, duty }) {
    this.#send = send;
    this.#duty = duty;
  }

  start() {
    this.#timer = setInterval(() => this.#check(), CHECK);
    document.addEventListener("visibilitychange", this.#checkNow);
    document.addEventListener("freeze", this.#freeze);
    document.addEventListener("resume", this.#resume);
    for (const name of MEDIA_EVENTS) document.addEventListener(name, this.#checkNow, true); // media events do not bubble
    this.reportNow();
  }

  /** Reports a last time that nothing is shown any more. */
  close() {
    clearInterval(this.#timer);
    this.#sight.close();
    document.removeEventListener("visibilitychange", this.#checkNow);
    document.removeEventListener("freeze", this.#freeze);
    document.removeEventListener("resume", this.#resume);
    for (const name of MEDIA_EVENTS) document.removeEventListener(name, this.#checkNow, true);
    this.#report({ page: PAGE, visible: false, showing: [], duty: [] });
  }

  /** Reports at once, after a new socket or another choice. */
  reportNow() {
    this.#sent = "";
    this.#check();
  }

  #checkNow = () => this.#check();

  #freeze = () => {
    this.#frozen = true;
    this.#check();
  };

  #resume = () => {
    this.#frozen = false;
    this.reportNow();
  };

  #check() {
    const report = {
      page: PAGE,
      visible: document.visibilityState === "visible" && !this.#frozen,
      showing: this.#showing(),
      duty: this.#duty(),
    };
    if (JSON.stringify(report) !== this.#sent || performance.now() - this.#sentAt >= EVERY) this.#report(report);
  }

  #report(report) {
    this.#sent = JSON.stringify(report);
    this.#sentAt = performance.now();
    this.#send("presence", report);
  }

  #showing() {
    const videos = [...document.querySelectorAll("video[data-session]")];
    videos.filter((video) => !this.#frames.has(video)).forEach((video) => this.#follow(video));
    this.#sight.follow(videos);
    const shown = videos.filter((video) => this.#isMoving(video));
    return shown.map((video) => ({ session: video.dataset.session, side: video.dataset.side, ...this.#sight.of(video) }));
  }

  #isMoving(video) {
    const fresh = performance.now() - this.#frames.get(video) < FRESH;
    return fresh && !video.paused && video.readyState >= 2 && laidOut(video);
  }

  /** Records when the browser presents a frame. */
  #follow(video) {
    this.#frames.set(video, -Infinity);
    const presented = () => {
      this.#frames.set(video, performance.now());
      video.requestVideoFrameCallback(presented);
    };
    video.requestVideoFrameCallback(presented);
  }
}

const laidOut = (video) => video.checkVisibility?.({ visibilityProperty: true, opacityProperty: true }) ?? video.offsetWidth > 0;
