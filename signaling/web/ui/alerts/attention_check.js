/**
 * The dialog of the attention check. It appears by itself and is answered with one key.
 */
import { t } from "../../i18n/i18n.js";
import { el, icon, mark, put } from "../dom.js";
import { announce } from "../toast.js";

const BLIND = 600; // ms in which keys that were meant for something else are no answer

/**
 * Shows the question and takes the answer.
 * @param {string} id of the question
 * @param {number} within ms for the answer; 0 when it is already late
 * @param {() => Promise} answer resolves when the server has it
 */
export function attentionDialog(id, within, answer) {
  const openedAt = performance.now();
  let due = openedAt + within;
  const words = el("p", { id: "attention-words" });
  const seconds = el("span", { class: "attention-seconds", "aria-hidden": "true" });
  const bar = el("span", { class: "bar" });
  const yes = el("button", { type: "submit", class: "primary wide" }, icon("eye"), el("span", { t: "attention_yes" }));
  const form = el("form", { method: "dialog" },
    el("h2", { id: "attention-title", t: "attention_title" }),
    el("div", { class: "attention-time" }, seconds, el("span", { class: "attention-bar" }, bar)),
    words, yes, el("p", { class: "quiet small", t: "attention_keys" }));
  const dialog = el("dialog", { class: "attention", role: "alertdialog",
    "aria-labelledby": "attention-title", "aria-describedby": "attention-words" }, form);
  let announced = "";

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (performance.now() - openedAt < BLIND) return;
    yes.disabled = true;
    answer().catch(() => { yes.disabled = false; yes.focus(); });
  });
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // Esc does not answer
  dialog.addEventListener("keydown", (event) => {
    const meant = event.key === "Enter" || event.key === " ";
    if (!meant || event.target === yes) return;
    event.preventDefault();
    form.requestSubmit(); // also after a click beside the button has taken the focus away
  });
  document.body.append(dialog);
  dialog.showModal();
  yes.focus();

  function tick() {
    const left = due - performance.now();
    const level = left <= 0 ? "late" : left <= within / 2 ? "soon" : "calm";
    mark(dialog, "level", level);
    put(seconds, left > 0 ? Math.ceil(left / 1000) : "");
    bar.style.transform = `scaleX(${within > 0 ? Math.max(0, left / within).toFixed(3) : 0})`;
    put(words, t(level === "late" ? "attention_late" : "attention_words"));
    if (level === announced) return;
    announced = level;
    announce(t(`attention_say_${level}`, { seconds: Math.max(0, Math.ceil(left / 1000)) }), true);
  }

  tick();
  return {
    id, tick,
    /** Sets the remaining time anew, as the server reports it. */
    dueIn(ms) {
      due = performance.now() + ms;
      tick();
    },
    close() {
      dialog.close();
      dialog.remove();
    },
  };
}
