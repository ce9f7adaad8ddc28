/** Meters of light and sound: a bar, and in words what it means. */
import { el, setText } from "../dom.js";
import { say } from "../settings.js";
import { WORDS } from "../words.js";

const EVERY = 200; // ms
const DARK = 60; // mean luma (16 black, 235 white)
const BRIGHT = 200;
const QUIET = 0.01; // loudness of the room's own noise
const HELD = 4000; // ms for which a word that was heard is said

export class Meters {
  #figures;
  #light = meter();
  #sound = meter();
  node = el("div", { class: "meters" }, this.#light.node, this.#sound.node);
  #heardAt = -Infinity;
  #timer = setInterval(() => this.update(), EVERY);

  constructor(figures) {
    this.#figures = figures;
  }

  update() {
    const { luma, level } = this.#figures;
    const light = luma === null ? WORDS.noPicture : lightWords(luma);
    this.#light.show(say(WORDS.light), luma === null ? 0 : (luma - 16) / 219, say(light), light === WORDS.lightGood);
    if (level >= QUIET) this.#heardAt = performance.now();
    const heard = performance.now() - this.#heardAt < HELD;
    const share = Math.min(1, Math.max(0, 1 + Math.log10(Math.max(level, 1e-4)) / 3)); // -60 to 0 dB
    this.#sound.show(say(WORDS.sound), share, say(heard ? WORDS.soundGood : WORDS.soundNone), heard);
  }

  close() {
    clearInterval(this.#timer);
  }
}

function lightWords(luma) {
  if (luma < DARK) return WORDS.lightDark;
  return luma > BRIGHT ? WORDS.lightBright : WORDS.lightGood;
}

function meter() {
  const name = el("span", { class: "name" });
  const fill = el("span", { class: "fill" });
  const words = el("span", { class: "words" });
  const node = el("div", { class: "meter" }, name, el("span", { class: "bar", "aria-hidden": "true" }, fill), words);
  return {
    node,
    show(title, share, text, good) {
      setText(name, title);
      setText(words, text);
      fill.style.setProperty("inline-size", `${Math.round(share * 100)}%`);
      node.classList.toggle("good", good);
    },
  };
}
