/**
 * The button "会见完毕", and the question that it asks once more before the room's word counts (Guangdong 31(2)): a single
 * touch, or a child at the keyboard, ends nothing. The key is F. There is one for the whole page: a short hold draws
 * another screen, and a question that is open outlives it.
 */
import { el, setText } from "../dom.js";
import { say } from "../settings.js";
import { WORDS } from "../words.js";

const SURE = 1000; // ms before an answer counts: the second tap of a double one is none
const ASKED = 10_000; // ms after which an unanswered question goes away

export class FarewellControl {
  #send;
  #button = el("button", { type: "button", class: "farewell" });
  #yes = el("button", { type: "button", class: "primary" });
  #no = el("button", { type: "button" });
  #head = el("h2", { id: "farewell-head" });
  #hint = el("p", { id: "farewell-hint" });
  #question = el("section", {
    class: "question", role: "alertdialog", "aria-labelledby": "farewell-head", "aria-describedby": "farewell-hint",
    hidden: true,
  }, this.#head, this.#hint, el("div", { class: "answers" }, this.#yes, this.#no));
  text = el("p", { class: "said", role: "status" });
  node = el("div", { class: "farewells" }, this.#button, this.#question);
  #shown = null;
  #askedAt = 0;
  #timer = 0;

  /** @param send gets true for "we have finished" and false for "we go on" */
  constructor(send) {
    this.#send = send;
    this.#button.addEventListener("click", () => this.#press());
    this.#yes.addEventListener("click", () => this.#answer());
    this.#no.addEventListener("click", () => this.#forget());
    addEventListener("keydown", this.#key);
  }

  /** @param farewell null where a screen has no such button: then the question is over */
  update(farewell) {
    this.#shown = farewell;
    const on = farewell?.on ?? null;
    this.#button.hidden = on === null;
    this.#button.classList.toggle("back", on === false);
    setText(this.#button, `${say(on === false ? WORDS.goOn : WORDS.finished)} (F)`);
    setText(this.#head, say(WORDS.askFinished));
    setText(this.#hint, say(WORDS.askHint));
    setText(this.#yes, say(WORDS.yesFinished));
    setText(this.#no, say(WORDS.goOn));
    setText(this.text, farewell?.text ? say(farewell.text) : "");
    if (on !== true) this.#forget();
  }

  /** Takes the focus back to the open question after the page has drawn another screen. */
  focus() {
    if (!this.#question.hidden) this.#no.focus();
  }

  #key = (event) => {
    if (event.key.toLowerCase() !== "f" || event.repeat || !this.node.isConnected) return;
    if (this.node.closest("[inert]")) return;
    if (this.#question.hidden) this.#press();
    else this.#answer();
  };

  #press() {
    if (this.#shown?.on === false) this.#send(false);
    else if (this.#shown?.on === true && this.#question.hidden) this.#ask();
  }

  #ask() {
    this.#askedAt = performance.now();
    this.#question.hidden = false;
    this.#no.focus();
    this.#timer = setTimeout(() => this.#forget(), ASKED);
  }

  #answer() {
    if (performance.now() - this.#askedAt < SURE) return;
    this.#forget();
    this.#send(true);
  }

  #forget() {
    clearTimeout(this.#timer);
    if (this.#question.hidden) return;
    this.#question.hidden = true;
    this.#button.focus();
  }
}
