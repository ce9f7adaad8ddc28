/**
 * Dialogs that ask before an order is sent. Esc cancels; Enter confirms once a code is chosen.
 */
import { inWords, t } from "../i18n/i18n.js";
import { el, icon } from "./dom.js";

/** Which grounds fit an order; the server refuses the others. */
const FITS = {
  end: (ground) => ground.must_end || ground.may_hold,
  hold: (ground) => ground.may_hold,
  mute: (ground) => !ground.must_end && !ground.code.startsWith("SAY-"),
};

/**
 * Asks for an article's code and a note.
 * @param {{kind: "hold" | "end" | "mute", where: string, items: Array}} question
 * @returns {Promise<{article: string, note: string} | null>} null when it was cancelled
 */
export function askArticle({ kind, where, items }) {
  const codes = items.filter(FITS[kind]).sort((a, b) => Number(b.must_end) - Number(a.must_end));
  const list = el("div", { class: "codes", role: "radiogroup", tLabel: "choose_article" },
    ...codes.map((ground) => choice(ground, ground.blocked && kind !== "mute")));
  return ask({
    title: t(`ask_${kind}`), where, warning: t(`ask_${kind}_warning`), middle: list,
    confirm: t(`confirm_${kind}`), style: kind === "end" ? "danger" : "hold",
  });
}

/** Asks for a confirmation; `kind` names the words. */
export function askPlain({ kind, where, note = true }) {
  return ask({ title: t(`ask_${kind}`), where, warning: t(`ask_${kind}_warning`), confirm: t(`confirm_${kind}`), style: "primary", note });
}

/**
 * Asks which session on duty is given up for another one; the last one is preselected.
 * @param {{where: string, duties: Array<{id: string, words: string}>}} question
 * @returns {Promise<string | null>} its id
 */
export function askReplaced({ where, duties }) {
  const rows = duties.map(({ id, words }, at) => el("label", { class: "code" },
    el("input", { type: "radio", name: "left", value: id, checked: at === duties.length - 1 }), el("span", { class: "code-title" }, words)));
  return ask({
    title: t("ask_replace"), where, warning: t("ask_replace_warning"), confirm: t("confirm_replace"), style: "primary", note: false,
    middle: el("div", { class: "codes few", role: "radiogroup", "aria-label": t("replaces") }, el("p", { class: "codes-title" }, t("replaces")), ...rows),
    read: (form) => form.elements.left.value,
  });
}

const TAGS = ["by_agreement", "must_end", "may_warn", "may_suspend"];

/** A ground to choose; `blocked`: not before a warning in vain. */
function choice(ground, blocked) {
  const { code } = ground;
  const tags = [...(blocked ? ["blocked"] : []), ...TAGS.filter((tag) => ground[tag] && !(tag === "must_end" && ground.by_agreement))];
  return el("label", { class: "code" },
    el("input", { type: "radio", name: "article", value: code, required: true, disabled: blocked }),
    el("span", { class: "code-name" }, code),
    el("span", { class: "code-title" }, `${inWords(ground)} `,
      ...tags.map((tag) => el("span", { class: "tag", data: { tag } }, t(`code_${tag}`)))));
}

/**
 * Shows one dialog; `read` makes the answer from the form.
 * @returns {Promise<object | null>} null when it was cancelled
 */
export function ask({ title, where, warning, middle, confirm, style, note = true, read = null }) {
  const no = el("button", { type: "button", class: "quiet-button" }, t("cancel"));
  const yes = el("button", { type: "submit", class: style }, confirm);
  const words = el("textarea", { name: "note", rows: "2", maxlength: "500", "aria-label": t("note"), placeholder: t("note") });
  const form = el("form", { method: "dialog" },
    el("h2", { id: "dialog-title" }, title), el("p", { class: "quiet" }, where),
    ...(middle ? [middle] : []), ...(note ? [words] : []),
    el("p", { class: "warning", id: "dialog-warning" }, icon("warn"), el("span", {}, warning)),
    el("div", { class: "line end" }, no, yes));
  const dialog = el("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-warning" }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", () => {
      answer = read ? read(form) : { article: form.elements.article?.value ?? "", note: words.value.trim() };
    });
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
    const first = ["input:checked", "input:enabled", "textarea"].map((kind) => form.querySelector(kind)).find(Boolean);
    (middle ? first : yes).focus();
  });
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
