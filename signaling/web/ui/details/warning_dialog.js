/**
 * The dialog of a warning: the sides and the words. Ready words have their own ground; own words need one.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { SIDES } from "../../state/sessions.js";
import { ask } from "../dialog.js";
import { el } from "../dom.js";

const OWN = "own";
const LONGEST = 120; // characters

/**
 * Asks which sides are warned, and in which words.
 * @param {{where: string, warnings: Array, items: Array}} question
 * @returns {Promise<{sides: string[], article: string, text_id?: string, text?: string} | null>}
 */
export function askWarning({ where, warnings, items }) {
  const own = ownWords(items.filter((ground) => ground.may_warn && !ground.must_end && !ground.code.startsWith("SAY-")));
  const list = el("div", { class: "codes", role: "radiogroup", "aria-label": t("warn_words") },
    ...warnings.map(canned), own.choice);
  list.addEventListener("change", () => own.open(list.querySelector(":checked")?.value === OWN));
  return ask({
    title: t("ask_warn"), where, warning: t("ask_warn_warning"), confirm: t("confirm_warn"), style: "hold", note: false,
    middle: el("div", { class: "warn-form" }, sidesPart(), list, own.node),
    read: (form) => ({ sides: sidesOf(form), ...wordsOf(form, warnings) }),
  });
}

function sidesPart() {
  const option = (value, words, checked) => el("label", {},
    el("input", { type: "radio", name: "side", value, checked }), el("span", {}, words));
  return el("fieldset", { class: "warn-sides" }, el("legend", {}, t("warn_whom")),
    option("both", t("both_sides"), true), ...SIDES.map((side) => option(side, t(`side_${side}`), false)));
}

function canned({ id, code, ...both }) {
  return el("label", { class: "code" },
    el("input", { type: "radio", name: "words", value: id, required: true }),
    el("span", { class: "code-name" }, code), el("span", { class: "code-title" }, inWords(both)));
}

function ownWords(grounds) {
  const text = el("textarea", { name: "text", rows: "2", maxlength: String(LONGEST), "aria-label": t("warn_own_words"), placeholder: t("warn_own_words") });
  const code = el("select", { name: "code", "aria-label": t("choose_article") },
    ...grounds.map((ground) => el("option", { value: ground.code }, `${ground.code} ${inWords(ground)}`)));
  const node = el("div", { class: "warn-own", hidden: true }, text, code);
  const choice = el("label", { class: "code" },
    el("input", { type: "radio", name: "words", value: OWN, required: true }),
    el("span", { class: "code-name" }, t("warn_own")), el("span", { class: "code-title" }, t("warn_own_words")));
  return {
    node, choice,
    open(yes) {
      node.hidden = !yes;
      text.required = yes;
      // blanks are no words, although `required` alone would accept them
      text.oninput = () => text.setCustomValidity(yes && !text.value.trim() ? t("warn_own_words") : "");
      text.oninput();
      if (yes) text.focus();
    },
  };
}

function sidesOf(form) {
  const chosen = form.elements.side.value;
  return chosen === "both" ? [...SIDES] : [chosen];
}

function wordsOf(form, warnings) {
  const chosen = form.elements.words.value;
  if (chosen === OWN) return { article: form.elements.code.value, text: form.elements.text.value.trim() };
  return { article: warnings.find(({ id }) => id === chosen).code, text_id: chosen };
}
