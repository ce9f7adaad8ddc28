/**
 * The officer's screen. The agent says what is open; here it is drawn, and what is pressed is sent. While people meet it
 * is a strip below the header: their picture gets smaller and is not covered.
 */
import { el, setText } from "../dom.js";
import { say } from "../settings.js";
import { Controls, Volume } from "./controls.js";
import { PinPad } from "./pin_pad.js";
import { Report } from "./report.js";
import { OFFICER } from "./words.js";

const ACTIVE_EVERY = 5000; // ms
const SURE = 5000; // ms in which the second press counts

export class Officer {
  #node;
  #send;
  #changed;
  #level = "closed";
  #view = null;
  #activeAt = 0;
  #sureUntil = 0;
  #title = el("h1", { id: "officer-title" });
  #leaves = el("p", { class: "leaves", role: "status" });
  #note = el("p", { class: "note", role: "status" });
  #leave = el("button", { type: "button", on: { click: () => this.#send("officer_left") } });
  #head = el("div", { class: "head" }, this.#title, this.#leaves, this.#leave);
  #body = el("div", { class: "body" });
  #pad = new PinPad((pin) => this.#send("pin", { pin }));
  #volume = new Volume((chosen) => this.#send("choose", chosen));
  #controls = new Controls((chosen) => this.#send("choose", chosen));
  #report = new Report();
  #test = this.#order("test");
  #export = this.#order("export");
  #restart = el("button", { type: "button", on: { click: () => this.#pressRestart() } });
  #progress = el("progress", { max: 1, "aria-labelledby": "officer-export" });
  #orders = el("div", { class: "orders" }, this.#test, this.#export, this.#progress, this.#restart);

  /** @param changed is called when more or less is open than before */
  constructor(node, send, changed) {
    this.#node = node;
    this.#send = send;
    this.#changed = changed;
    node.setAttribute("aria-labelledby", "officer-title");
    node.append(this.#head, this.#note, this.#body);
    this.#export.id = "officer-export";
    for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => this.#active(), { capture: true });
    addEventListener("keydown", (event) => this.#key(event), { capture: true });
  }

  get level() {
    return this.#level;
  }

  update(view) {
    this.#view = view;
    const before = this.#level;
    this.#level = view.level;
    this.#node.hidden = view.level === "closed";
    document.body.classList.toggle("officer-strip", view.level !== "closed" && view.strip);
    document.body.classList.toggle("officer-full", view.level !== "closed" && !view.strip);
    this.#node.role = view.strip ? null : "main";
    if (before !== view.level) this.#change(view.level);
    this.draw();
    if (before !== view.level && view.level !== "closed") this.#focus();
  }

  draw() {
    const view = this.#view;
    if (!view || view.level === "closed") return;
    setText(this.#title, say(OFFICER.title));
    setText(this.#leave, say(OFFICER.leave));
    setText(this.#leaves, view.leaves === null ? "" : say(OFFICER.leaves, { n: view.leaves }));
    setText(this.#note, view.note ? say(view.note) : "");
    this.#note.classList.toggle("trouble", view.trouble);
    if (view.level === "pin") this.#pad.update(view);
    if (view.level === "volume") this.#volume.update(view.choices);
    if (view.level === "open") this.#drawOpen(view);
  }

  #drawOpen(view) {
    this.#report.update(view);
    this.#controls.update(view);
    setText(this.#test, say(view.testing ? OFFICER.testing : OFFICER.test));
    this.#test.disabled = view.testing;
    const exporting = view.exporting !== null;
    setText(this.#export, exporting ? say(OFFICER.exporting, { n: Math.round(view.exporting * 100) }) : say(OFFICER.export));
    this.#export.disabled = exporting;
    this.#progress.hidden = !exporting;
    this.#progress.value = view.exporting ?? 0;
    setText(this.#restart, say(performance.now() < this.#sureUntil ? OFFICER.sure : OFFICER.restart));
  }

  #change(level) {
    this.#pad.clear();
    this.#sureUntil = 0;
    const parts = {
      closed: [],
      pin: [this.#pad.node],
      volume: [this.#volume.node],
      open: [this.#report.node, el("div", { class: "side" }, this.#controls.node, this.#orders)],
    };
    this.#body.replaceChildren(...parts[level]);
    this.#body.dataset.level = level;
    this.#changed();
  }

  #focus() {
    if (this.#level === "pin") this.#pad.focus();
    else this.#node.querySelector("input, button").focus();
  }

  #order(order) {
    return el("button", { type: "button", on: { click: () => this.#send("officer_order", { order }) } });
  }

  #pressRestart() {
    if (performance.now() < this.#sureUntil) {
      this.#send("officer_order", { order: "restart" });
      return;
    }
    this.#sureUntil = performance.now() + SURE;
    setTimeout(() => this.draw(), SURE);
    this.draw();
  }

  #active() {
    if (this.#level === "closed" || performance.now() - this.#activeAt < ACTIVE_EVERY) return;
    this.#activeAt = performance.now();
    this.#send("officer_active");
  }

  /** Digits belong to the PIN while it is asked for; Escape leaves. */
  #key(event) {
    if (this.#level === "closed") return;
    const leaves = event.key === "Escape";
    if (leaves) this.#send("officer_left");
    const pressesButton = event.key === "Enter" && event.target.tagName === "BUTTON";
    const typed = this.#level === "pin" && !pressesButton && this.#pad.press(event);
    if (!leaves && !typed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
