/** Reads the rules aloud: the pack's recording in the language, else the machine's own voice, point by point. */
import { tuned } from "../media/output.js";
import { settings } from "../settings.js";

const VOICES = { zh: "zh-CN", en: "en-US" };

export class Reader {
  #changed;
  #audio = null;
  #turn = 0;
  reading = false;

  constructor(changed) {
    this.#changed = changed;
  }

  toggle(rules) {
    if (this.reading) this.stop();
    else this.#read(rules);
  }

  stop() {
    this.#turn += 1;
    this.#audio?.pause();
    this.#audio = null;
    speechSynthesis.cancel();
    this.#become(false);
  }

  async #read(rules) {
    const turn = ++this.#turn;
    const { language } = settings;
    this.#become(true);
    try {
      if (rules.audio.includes(language)) await this.#play(language);
      else await this.#speak(rules, language, turn);
    } finally {
      if (turn === this.#turn) this.stop();
    }
  }

  #play(language) {
    this.#audio = tuned(new Audio(`audio/${language}`));
    const ended = new Promise((done) => {
      for (const type of ["ended", "pause", "error"]) this.#audio.addEventListener(type, done, { once: true });
    });
    return this.#audio.play().then(() => ended);
  }

  async #speak(rules, language, turn) {
    for (const words of [rules.title, rules.lead, ...rules.points]) {
      if (turn !== this.#turn) return;
      await spoken(words[language], VOICES[language]);
    }
  }

  #become(reading) {
    if (this.reading === reading) return;
    this.reading = reading;
    this.#changed();
  }
}

function spoken(text, language) {
  return new Promise((done) => {
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = language;
    utterance.rate = 0.9;
    utterance.onend = utterance.onerror = done;
    speechSynthesis.speak(utterance);
  });
}
