/** The warning (劝阻): over the full width, in large letters, until the room confirms it by touch, Enter or space. */
import { el, setText } from "../dom.js";
import { say, settings } from "../settings.js";
import { WORDS } from "../words.js";

const READ = 800; // ms before it can be confirmed: a touch right after it appeared was meant for something else

export class Notice {
  #main;
  #confirm;
  #head = el("h2", { id: "notice-head" });
  #text = el("p", { class: "text", id: "notice-text", tabindex: "0" });
  #button = el("button", { type: "button", class: "primary" });
  #box;
  #id = null;
  #since = 0;

  /** @param main becomes inert while a warning stands; @param confirm gets the id of what was read */
  constructor(node, main, confirm) {
    this.#main = main;
    this.#confirm = confirm;
    this.#box = el("section", {
      class: "warning", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "notice-head",
      "aria-describedby": "notice-text", hidden: true,
    }, this.#head, this.#text, this.#button);
    this.#button.addEventListener("click", () => this.#press());
    addEventListener("pointerup", () => this.#keepFocus());
    node.append(this.#box);
  }

  update(notice) {
    this.#box.hidden = !notice;
    this.#main.inert = Boolean(notice);
    if (!notice) {
      this.#id = null;
      return;
    }
    const more = notice.more ? ` · ${say(WORDS.more, { n: notice.more })}` : "";
    setText(this.#head, say(WORDS.warning) + more);
    setText(this.#text, notice[settings.language] || notice.zh);
    setText(this.#button, say(WORDS.understood));
    if (this.#id === notice.id) return;
    this.#id = notice.id;
    this.#since = performance.now();
    this.#button.focus();
  }

  /** A touch beside the button takes the focus away; the keys must go on confirming. */
  #keepFocus() {
    if (this.#id !== null && document.activeElement === document.body) this.#button.focus();
  }

  #press() {
    if (this.#id !== null && performance.now() - this.#since >= READ) this.#confirm(this.#id);
  }
}
