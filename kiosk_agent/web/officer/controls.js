/** What an officer can change: volume, devices, and what each visit begins with. The agent keeps it. */
import { el, setText } from "../dom.js";
import { say } from "../settings.js";
import { OFFICER } from "./words.js";

const KINDS = ["camera", "microphone", "speaker"];

/** The volume alone, which can be changed during a visit, too. */
export class Volume {
  #label = el("label", { for: "officer-volume" });
  #range = el("input", { type: "range", id: "officer-volume", min: 10, max: 100, step: 5 });
  #shown = el("output", { for: "officer-volume" });
  node = el("div", { class: "field volume" }, this.#label, this.#range, this.#shown);

  /** @param choose gets what was chosen */
  constructor(choose) {
    this.#range.addEventListener("input", () => {
      this.#draw();
      choose({ volume: Number(this.#range.value) / 100 });
    });
  }

  update({ volume }) {
    if (document.activeElement !== this.#range) this.#range.value = Math.round(volume * 100);
    setText(this.#label, say(OFFICER.volume));
    this.#draw();
  }

  #draw() {
    setText(this.#shown, say(OFFICER.percent, { n: this.#range.value }));
  }
}

/** A choice among texts; `id` names it for its label. */
class Choice {
  #label;
  #select;
  #drawn = "";
  node;

  constructor(id, choose) {
    this.#label = el("label", { for: id });
    this.#select = el("select", { id, on: { change: () => choose(this.#select.value) } });
    this.node = el("div", { class: "field" }, this.#label, this.#select);
  }

  /** @param options are pairs of value and text */
  update(label, options, value) {
    setText(this.#label, label);
    const drawn = JSON.stringify(options);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#select.replaceChildren(...options.map(([each, text]) => el("option", { value: each }, text)));
    }
    this.#select.value = value;
  }
}

export class Controls {
  #title = el("h2");
  #volume;
  #devices;
  #language;
  #size;
  node;

  constructor(choose) {
    this.#volume = new Volume(choose);
    this.#devices = new Map(KINDS.map((kind) => [
      kind, new Choice(`officer-${kind}`, (label) => choose({ [kind]: label })),
    ]));
    this.#language = new Choice("officer-language", (language) => choose({ language }));
    this.#size = new Choice("officer-size", (size) => choose({ large: size === "large" }));
    this.node = el("section", { class: "controls" }, this.#title, this.#volume.node,
      ...[...this.#devices.values()].map(({ node }) => node), this.#language.node, this.#size.node);
  }

  update({ choices, devices }) {
    setText(this.#title, say(OFFICER.devices));
    this.#volume.update(choices);
    for (const [kind, choice] of this.#devices) choice.update(say(OFFICER[kind]), options(kind, choices, devices), choices[kind]);
    this.#language.update(say(OFFICER.language), [["zh", say(OFFICER.chinese)], ["en", say(OFFICER.english)]],
      choices.language);
    this.#size.update(say(OFFICER.size), [["normal", say(OFFICER.normal)], ["large", say(OFFICER.large)]],
      choices.large ? "large" : "normal");
  }
}

/** The devices of a kind, among them the chosen one where it is not plugged in. */
function options(kind, choices, devices) {
  const found = devices.filter((each) => each.kind === kind);
  const texts = found.map(({ label, used }) => [label, used ? say(OFFICER.used, { name: label }) : label]);
  const wanted = choices[kind];
  if (wanted && !found.some(({ label }) => label === wanted)) texts.push([wanted, say(OFFICER.missing, { name: wanted })]);
  return [["", say(OFFICER.automatic)], ...texts];
}
