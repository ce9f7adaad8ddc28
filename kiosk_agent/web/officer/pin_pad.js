/** The pad for the PIN: by touch or by the keys of the keyboard. What was typed stays here until it is sent, unseen. */
import { el, setText } from "../dom.js";
import { say } from "../settings.js";
import { OFFICER } from "./words.js";

const LONGEST = 12;

export class PinPad {
  #enter;
  #typed = "";
  #wait = 0;
  #title = el("h2", { id: "officer-pin" });
  #shown = el("p", { class: "typed", role: "status" });
  #dots = el("span", { "aria-hidden": "true" });
  #count = el("span", { class: "unseen" });
  #keys;
  #erase = el("button", { type: "button", on: { click: () => this.#set(this.#typed.slice(0, -1)) } });
  #ok = el("button", { type: "button", class: "primary", on: { click: () => this.#send() } });
  node;

  /** @param enter gets the PIN */
  constructor(enter) {
    this.#enter = enter;
    this.#shown.append(this.#dots, this.#count);
    this.#keys = [..."1234567890"].map((digit) => el("button", {
      type: "button", on: { click: () => this.#set(this.#typed + digit) },
    }, digit));
    const pad = el("div", { class: "pad", role: "group", "aria-labelledby": "officer-pin" },
      ...this.#keys.slice(0, 9), this.#erase, this.#keys[9], this.#ok);
    this.node = el("div", { class: "pin" }, this.#title, this.#shown, pad);
  }

  update(view) {
    this.#wait = view.wait;
    setText(this.#title, view.wait ? say(OFFICER.wait, { n: view.wait }) : say(OFFICER.pin));
    setText(this.#erase, say(OFFICER.erase));
    setText(this.#ok, say(OFFICER.enter));
    for (const key of [...this.#keys, this.#ok]) key.disabled = view.wait > 0;
    this.#draw();
  }

  clear() {
    this.#set("");
  }

  focus() {
    (this.#wait ? this.#erase : this.#keys[0]).focus();
  }

  /** Takes a key of the keyboard; returns whether it was one of the pad's. */
  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return false;
    if (/^[0-9]$/.test(event.key)) this.#set(this.#typed + event.key);
    else if (event.key === "Backspace") this.#set(this.#typed.slice(0, -1));
    else if (event.key === "Enter" && this.#typed) this.#send();
    else return false;
    return true;
  }

  #set(typed) {
    this.#typed = this.#wait ? "" : typed.slice(0, LONGEST);
    this.#draw();
  }

  #draw() {
    setText(this.#dots, "●".repeat(this.#typed.length) || "–");
    setText(this.#count, say(OFFICER.typed, { n: this.#typed.length }));
  }

  #send() {
    if (!this.#typed || this.#wait) return;
    this.#enter(this.#typed);
    this.#set("");
  }
}
