/**
 * Messages: refusals and results that are shown for some seconds, and announcements to screen readers.
 */
import { el, icon } from "./dom.js";

const AT_MOST = 4;
const STAY = { good: 5000, wait: 8000, bad: 12_000 }; // ms: a success is also visible in the visit itself

/** Shows a problem's title and detail. @param {string} visit the name of the visit that it is about, or "" */
export function complain(problem, visit = "") {
  showToast("bad", problem.title, problem.detail, visit);
}

/** Shows a result. @param {string} visit the name of the visit that it is about, or "" */
export function inform(title, visit = "") {
  showToast("good", title, "", visit);
}

/** Shows that something was not done, which is no fault. @param {string} visit the name of the visit that it is about, or "" */
export function warn(title, visit = "") {
  showToast("wait", title, "", visit);
}

function showToast(level, title, detail, visit) {
  const region = document.getElementById("toasts");
  const close = el("button", { type: "button", class: "bare", tLabel: "close" }, icon("cross"));
  const words = el("div", {}, ...(visit ? [el("p", { class: "toast-visit" }, visit)] : []), el("strong", {}, title), ...(detail ? [el("p", {}, detail)] : []));
  const role = level === "good" ? "status" : "alert";
  const toast = el("div", { class: "toast", role, data: { level } }, icon(level === "good" ? "check" : "warn"), words, close);
  close.addEventListener("click", () => toast.remove());
  region.append(toast);
  while (region.children.length > AT_MOST) region.firstElementChild.remove();
  setTimeout(() => toast.remove(), STAY[level]);
}

/** Announces words to screen readers; `urgent` ones interrupt them. */
export function announce(words, urgent = false) {
  document.getElementById(urgent ? "announce-urgent" : "announce").textContent = words;
}
