/**
 * Messages that pass: refusals and failures in words, and changes said to screen readers.
 */
import { el, icon } from "../dom.js";

const AT_MOST = 4;
const STAY = { good: 5000, bad: 12_000 }; // ms: what went well is seen in the visit itself, too

/** Shows a problem's title and detail until it is closed or old. */
export function complain(problem) {
  tell("bad", problem.title, problem.detail);
}

export function inform(title) {
  tell("good", title, "");
}

function tell(level, title, detail) {
  const region = document.getElementById("toasts");
  const close = el("button", { type: "button", class: "bare", tLabel: "close" }, icon("cross"));
  const words = el("div", {}, el("strong", {}, title), ...(detail ? [el("p", {}, detail)] : []));
  const role = level === "bad" ? "alert" : "status";
  const toast = el("div", { class: "toast", role, data: { level } }, icon(level === "bad" ? "warn" : "check"), words, close);
  close.addEventListener("click", () => toast.remove());
  region.append(toast);
  while (region.children.length > AT_MOST) region.firstElementChild.remove();
  setTimeout(() => toast.remove(), STAY[level]);
}

/** Speaks to screen readers; `urgent` interrupts them. */
export function say(words, urgent = false) {
  document.getElementById(urgent ? "say-at-once" : "say-politely").textContent = words;
}
