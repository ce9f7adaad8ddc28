/** What the terminal is and how it does: tables of the agent's, and the last equipment tests. */
import { el, setText } from "../dom.js";
import { say, settings } from "../settings.js";
import { OFFICER } from "./words.js";

export class Report {
  #groups = el("div", { class: "groups" });
  #title = el("h2", { id: "officer-tests" });
  #tests = el("ol", { class: "tests", tabindex: "0", "aria-labelledby": "officer-tests" });
  #drawn = "";
  node = el("div", { class: "report" }, this.#groups, el("section", { class: "history" }, this.#title, this.#tests));

  update({ groups, tests }) {
    setText(this.#title, say(OFFICER.tests));
    const drawn = JSON.stringify([groups, tests, settings.language]);
    if (drawn === this.#drawn) return; // what is read or scrolled stays where it is
    this.#drawn = drawn;
    this.#groups.replaceChildren(...groups.map(group));
    this.#tests.replaceChildren(...tests.map(test));
    if (!tests.length) this.#tests.replaceChildren(el("li", {}, say(OFFICER.noTests)));
  }
}

function group({ title, rows }) {
  const lines = rows.flatMap(({ label, value, bad }) => [
    el("dt", {}, say(label)), el("dd", { class: bad ? "bad" : "" }, say(value)),
  ]);
  return el("section", {}, el("h2", {}, say(title)), el("dl", {}, ...lines));
}

function test({ at, good, text }) {
  return el("li", { class: good ? "good" : "bad" },
    el("time", {}, at), el("strong", {}, say(good ? OFFICER.good : OFFICER.bad)), el("span", {}, say(text)));
}
