/** The line at the top: site and room, the clock, and the switches of language and size. */
import { el, setText } from "../dom.js";
import { change, say, settings } from "../settings.js";
import { WORDS } from "../words.js";
import { timeOf } from "./clock.js";

export class Header {
  #place = el("p", { class: "place" });
  #clock = el("p", { class: "clock" });
  #language;
  #size;

  constructor(node) {
    this.#language = el("button", { type: "button", on: {
      click: () => change({ language: settings.language === "zh" ? "en" : "zh" }),
    } });
    this.#size = el("button", { type: "button", on: { click: () => change({ large: !settings.large }) } });
    node.append(this.#place, this.#clock, el("div", { class: "switches" }, this.#language, this.#size));
    setInterval(() => this.#tick(), 1000);
  }

  update(screen) {
    setText(this.#place, screen.place);
    setText(this.#language, say(WORDS.language));
    this.#language.setAttribute("lang", settings.language === "zh" ? "en" : "zh-CN");
    setText(this.#size, say(settings.large ? WORDS.normal : WORDS.large));
    this.#clock.hidden = screen.name === "idle"; // it has a large one
    this.#tick();
  }

  #tick() {
    setText(this.#clock, timeOf(new Date()));
  }
}
