/**
 * Dialogs that ask before an order is sent. Nothing is chosen beforehand: Enter on a form that lacks something says what
 * it lacks, and sends nothing. Esc cancels.
 */
import { t } from "../i18n/i18n.js";
import { begun } from "../state/grounds.js";
import { el, icon, put } from "./dom.js";
import { fits, groundChoices } from "./grounds.js";
import { openSheet } from "./sheet.js";

/**
 * Asks for an article's code and a note.
 * @param {{kind: "hold" | "end" | "mute", session: object, where: string, items: Array}} question
 * @returns {Promise<{article: string, note: string} | null>} null when it was cancelled
 */
export function askArticle({ kind, session, where, items }) {
  return ask({
    title: t(`ask_${kind}`), act: kind, session, where, warning: t(`ask_${kind}_warning`), middle: groundChoices(items.filter(fits(kind)), kind, begun(session)),
    confirm: t(`confirm_${kind}`), style: kind === "end" ? "danger" : "hold",
  });
}

/** Asks for a confirmation; `kind` names the words. */
export function askPlain({ kind, session = null, holds, where, note = true }) {
  return ask({ title: t(`ask_${kind}`), session, holds, where, warning: t(`ask_${kind}_warning`), confirm: t(`confirm_${kind}`), style: "primary", note });
}

/**
 * Asks which session on duty is given up for another one.
 * @param {{session: object, where: string, duties: Array<{id: string, words: string}>, holds}} question
 * @returns {Promise<string | null>} its id
 */
export function askReplaced({ session, where, duties, holds }) {
  const rows = duties.map(({ id, words }) => el("label", { class: "code" },
    el("input", { type: "radio", name: "left", value: id, required: true }), el("span", { class: "code-title" }, words)));
  return ask({
    title: t("ask_replace"), session, holds, where, warning: t("ask_replace_warning"), confirm: t("confirm_replace"), style: "primary", note: false,
    middle: el("div", { class: "codes few", role: "radiogroup", "aria-label": t("replaces") }, el("p", { class: "codes-title" }, t("replaces")), ...rows),
    read: (form) => form.elements.left.value,
  });
}

/**
 * Shows one dialog; `read` makes the answer from the form. `session`: the visit that it is about, with which it goes;
 * `holds`: whether what it asks is still so (ui/sheet.js).
 * @returns {Promise<object | null>} null when it was cancelled
 */
export function ask({ title, act = "", session = null, holds, where, warning, middle, confirm, style, note = true, read = null }) {
  const no = el("button", { type: "button", class: "quiet-button", data: { reads: "true" } }, t("cancel"));
  const yes = el("button", { type: "submit", class: style }, confirm);
  const words = el("textarea", { name: "note", rows: "2", maxlength: "500", "aria-label": t("note"), placeholder: t("note") });
  const lack = lackLine();
  const form = el("form", { method: "dialog", novalidate: true },
    el("h2", { id: "dialog-title" }, title), el("p", { class: "dialog-where" }, where),
    ...(middle ? [middle] : []), ...(note ? [words] : []),
    el("p", { class: "warning", id: "dialog-warning" }, icon("warn"), el("span", {}, warning)), lack.node,
    el("div", { class: "line end" }, no, yes));
  const dialog = el("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-warning", data: { act } }, form);
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", (event) => {
      if (lack.found(form)) return event.preventDefault();
      answer = read ? read(form) : { article: form.elements.article?.value ?? "", note: words.value.trim() };
    });
    form.addEventListener("input", lack.clear);
    form.addEventListener("keydown", chooseFocused);
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => resolve(answer));
    openSheet(dialog, { session, holds });
    firstOf(form, middle ? null : yes)?.focus({ preventScroll: true });
  });
}

const ARROWS = new Set(["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"]);

/** The first arrow key chooses what has the focus: the browser alone would pass over it, to the row below or above. */
function chooseFocused(event) {
  const { key, target } = event;
  if (!ARROWS.has(key) || target.type !== "radio" || target.form.querySelector(`[name="${target.name}"]:checked`)) return;
  event.preventDefault();
  target.click();
}

/** What has the focus first: the confirmation of a plain question, else the first thing to choose or to write. */
function firstOf(form, yes) {
  return yes ?? ["[data-first]", "input:checked", "input:enabled", "select, textarea"].map((kind) => form.querySelector(kind)).find(Boolean);
}

/** The line that says what a form lacks, and leads there. It keeps its place: a button that moves is not clicked. */
function lackLine() {
  const words = el("span");
  const node = el("p", { class: "lack", role: "alert" }, words);
  return {
    node,
    found(form) {
      const lacking = form.querySelector("input:invalid, select:invalid, textarea:invalid");
      if (!lacking) return false;
      put(words, t("form_lacks", { what: labelOf(lacking) }));
      lacking.focus();
      return true;
    },
    clear: () => put(words, ""),
  };
}

/** What a field is called: its own name, or that of its group. */
function labelOf(field) {
  const group = field.type === "radio" ? field.closest("[role=radiogroup], fieldset") : null;
  return group?.ariaLabel ?? group?.querySelector("legend")?.textContent ?? field.ariaLabel ?? field.labels?.[0]?.textContent ?? "";
}

/** The note of an answer as a member of an order, which has none while it is empty. */
export const noteOf = ({ note }) => (note ? { note } : {});

const LONGEST_REASON = 300; // characters

/** A field for a required reason. Blanks are no reason, although `required` alone would accept them. */
export function reasonField() {
  const reason = el("textarea", {
    name: "reason", rows: "2", required: true, maxlength: String(LONGEST_REASON), "aria-label": t("extend_reason"), placeholder: t("extend_reason"),
  });
  reason.addEventListener("input", () => reason.setCustomValidity(reason.value.trim() ? "" : t("extend_reason")));
  return reason;
}
