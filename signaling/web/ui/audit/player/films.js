/**
 * Which films make up what is seen and heard: the view copy with its mixed sound, or the two sides. Where not everybody
 * shall be heard, the view copy is silent and the chosen sounds play beside it.
 */
import { filmOf } from "../../../api/audit.js";
import { el, show } from "../../dom.js";

export const VOICES = ["prison", "visitor", "supervisors"];
const SIDES = ["prison", "visitor"];

/**
 * Chooses the films. @param {"view" | "sides"} mode @param {Set<string>} heard of VOICES @param {boolean} officers
 * whether the recording has officers' voices
 * @returns {Array<{key: string, film: string, picture: boolean, muted: boolean}>} the first one leads
 */
export function filmsFor(mode, heard, officers) {
  const voices = VOICES.filter((voice) => voice !== "supervisors" || officers);
  const sound = (voice) => ({ key: `sound_${voice}`, film: voice, picture: false, muted: false });
  if (mode === "sides") {
    const pictures = SIDES.map((side) => ({ key: side, film: side, picture: true, muted: !heard.has(side) }));
    return officers && heard.has("supervisors") ? [...pictures, sound("supervisors")] : pictures;
  }
  const all = voices.every((voice) => heard.has(voice));
  const copy = { key: "view", film: "view", picture: true, muted: !all };
  return all ? [copy] : [copy, ...voices.filter((voice) => heard.has(voice)).map(sound)];
}

/** The elements of one visit's films, each made when it is needed first. */
export class Films {
  #session;
  #elements = new Map();

  constructor(session, screen) {
    this.#session = session;
    this.screen = screen;
  }

  /** Returns the elements of a choice, shows its pictures, and lets the others forget their films. */
  choose(chosen) {
    const keys = new Set(chosen.map(({ key }) => key));
    for (const [key, element] of this.#elements) if (!keys.has(key)) this.#forget(key, element);
    this.screen.dataset.pictures = chosen.filter(({ picture }) => picture).length;
    return chosen.map((film) => this.#element(film));
  }

  close() {
    for (const [key, element] of this.#elements) this.#forget(key, element);
  }

  #element({ key, film, picture, muted }) {
    let element = this.#elements.get(key);
    if (!element) {
      element = picture ? pictureOf(film) : el("audio");
      element.src = filmOf(this.#session, film);
      this.#elements.set(key, element);
      this.screen.append(element);
    }
    element.muted = muted;
    return element;
  }

  #forget(key, element) {
    element.pause();
    element.removeAttribute("src");
    element.load(); // the browser closes its connection
    element.remove();
    this.#elements.delete(key);
  }
}

function pictureOf(film) {
  const video = el("video", { playsinline: true, disablepictureinpicture: true, disableremoteplayback: true, tLabel: `audit_film_${film}`, data: { film } });
  video.addEventListener("contextmenu", (event) => event.preventDefault());
  return video;
}

/** The viewer's name, account and the time, all over the picture: a photograph of the screen tells its author. */
export function viewerMark(me, now) {
  const marks = Array.from({ length: 9 }, () => el("span"));
  const node = el("div", { class: "viewer-mark", "aria-hidden": "true" }, ...marks);
  return {
    node,
    tick() {
      const words = `${me.name} ${me.id} ${now()}`;
      for (const span of marks) if (span.textContent !== words) span.textContent = words;
      show(node, true);
    },
  };
}
