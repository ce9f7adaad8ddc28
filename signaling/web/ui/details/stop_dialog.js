/**
 * The dialog of the stop: one click on a ground that demands the end, and one to confirm, whose button has the focus.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { el, icon } from "../dom.js";

/**
 * Asks for the ground of a stop and its confirmation.
 * @param {{where: string, items: Array}} question
 * @returns {Promise<string | null>} the code; null when it was cancelled
 */
export function askStop({ where, items }) {
  const step = el("div", { class: "stop-step" });
  const dialog = el("dialog", { class: "stop", "aria-labelledby": "stop-title" },
    el("div", { class: "stop-body" },
      el("h2", { id: "stop-title" }, icon("ended"), el("span", {}, t("stop"))), el("p", { class: "quiet" }, where), step));
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = null;
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    const done = (code) => { answer = code; dialog.close(); };
    const choose = () => show(step, choices(inOrder(items), confirm, () => dialog.close()));
    const confirm = (ground) => show(step, confirmation(ground, () => done(ground.code), choose));
    dialog.showModal();
    choose();
  });
}

/** Sorts grounds of the law first. An end by agreement is no stop: it needs the other side, too. */
const inOrder = (items) => items.filter((ground) => ground.must_end && !ground.by_agreement)
  .sort((a, b) => Number(b.may_hold) - Number(a.may_hold));

function show(step, { nodes, first }) {
  step.replaceChildren(...nodes);
  first?.focus();
}

function choices(grounds, onChoose, onCancel) {
  const rows = grounds.map((ground) => el("button", { type: "button", class: "stop-code", disabled: Boolean(ground.blocked), on: { click: () => onChoose(ground) } },
    el("span", { class: "code-name" }, ground.code), el("span", { class: "code-title" }, inWords(ground), ground.blocked ? ` · ${t("code_blocked")}` : "")));
  const list = el("div", { class: "stop-codes", role: "group", "aria-label": t("stop_choose"), on: { keydown: walk } }, ...rows);
  const cancel = el("button", { type: "button", class: "quiet-button", on: { click: onCancel } }, t("cancel"));
  return { nodes: [el("p", {}, t("stop_choose")), list, el("div", { class: "line end" }, cancel)], first: rows.find((row) => !row.disabled) };
}

/** Moves the focus from ground to ground with the arrow keys. */
function walk(event) {
  const to = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (!to) return;
  event.preventDefault();
  let next = document.activeElement[to];
  while (next?.disabled) next = next[to];
  next?.focus();
}

function confirmation(ground, onYes, onBack) {
  const yes = el("button", { type: "button", class: "danger", on: { click: onYes } }, icon("ended"), el("span", {}, t("confirm_stop")));
  const back = el("button", { type: "button", class: "quiet-button", on: { click: onBack } }, t("back"));
  const chosen = el("p", { class: "stop-chosen" }, el("strong", {}, ground.code), ` ${inWords(ground)}`);
  const warning = el("p", { class: "warning", id: "stop-warning" }, icon("warn"), el("span", {}, t("ask_end_warning")));
  yes.setAttribute("aria-describedby", "stop-warning");
  return { nodes: [chosen, warning, el("div", { class: "line end" }, back, yes)], first: yes };
}
