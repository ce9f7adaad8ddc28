/**
 * The dialog of a warning: the sides and the words. Ready words have their own ground; own words need one.
 *
 * Words on a matter that must end the visit are no warning: the dialog says so and offers the hold, which shows them, and
 * the end. Neither is chosen beforehand, so that nothing happens by itself.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { citation, sideKey, visitLine } from "../../i18n/session_words.js";
import { mayWarn } from "../../state/grounds.js";
import { SIDES } from "../../state/sessions.js";
import { ask } from "../dialog.js";
import { el, icon } from "../dom.js";

const OWN = "own";
const LONGEST = 120; // characters

/**
 * Asks which sides are warned, and in which words. Words under a ground that demands the end are no warning: with them
 * the officer chooses to hold the visit, which shows them, or to end it.
 * @param {{session: object, warnings: Array, items: Array, mayHold: boolean}} question
 * @returns {Promise<{measure: "warn" | "hold" | "end", sides: string[], article: string, text_id?: string, text?: string} | null>}
 */
export function askWarning({ session, warnings, items, mayHold }) {
  const own = ownWords(items.filter((ground) => mayWarn(ground) && !ground.code.startsWith("SAY-")));
  const rows = choices(warnings, items);
  const measure = measurePart(mayHold);
  const list = el("div", { class: "codes", role: "radiogroup", "aria-label": t("warn_words") }, ...rows.map(choiceOf), own.choice);
  const chosen = () => rows[list.querySelector(":checked")?.value] ?? null;
  list.addEventListener("change", () => {
    own.open(list.querySelector(":checked")?.value === OWN);
    measure.open(Boolean(chosen()?.ground.must_end));
  });
  return ask({
    title: t("ask_warn"), session, where: visitLine(session), warning: t("ask_warn_warning"), confirm: t("confirm_warn"), style: "hold", note: false,
    middle: el("div", { class: "warn-form" }, sidesPart(session), list, measure.node, own.node),
    read: (form) => ({ measure: measure.read(), sides: sidesOf(form), ...wordsOf(form, chosen()) }),
  });
}

/** Ready words, once for each ground under which they may be given now; those that are a warning before those that are none. */
function choices(warnings, items) {
  const fits = (ground) => ground && (mayWarn(ground) || (ground.must_end && !ground.blocked));
  return warnings.flatMap((words) => (words.codes ?? [words.code])
    .map((code) => ({ words, ground: items.find((ground) => ground.code === code) }))
    .filter(({ ground }) => fits(ground)))
    .sort((a, b) => Number(a.ground.must_end) - Number(b.ground.must_end));
}

function choiceOf({ words, ground }, at) {
  const tag = ground.must_end ? el("span", { class: "tag", data: { tag: "must_end" } }, t("code_must_end")) : "";
  return el("label", { class: "code", title: ground.code, data: { must: String(ground.must_end) } },
    el("input", { type: "radio", name: "words", value: String(at), required: true }),
    el("span", { class: "code-title" }, el("strong", { class: "code-name" }, citation(ground)), ` ${inWords(words)} `, tag));
}

/** The choice between the hold and the end, open while words of a ground that demands one of them are chosen. */
function measurePart(mayHold) {
  const kinds = mayHold ? ["hold", "end"] : ["end"];
  const inputs = kinds.map((kind) => el("input", { type: "radio", name: "measure", value: kind }));
  const node = el("fieldset", { class: "warn-measure", hidden: true, role: "radiogroup", "aria-label": t("warn_measure") },
    el("p", { class: "must-end", role: "status" }, icon("warn"), el("span", {}, t("warn_measure_why"))),
    ...inputs.map((input, at) => el("label", {}, input, el("span", {}, t(`warn_measure_${kinds[at]}`)))));
  const kind = () => (node.hidden ? "warn" : node.querySelector(":checked")?.value ?? "");
  const name = () => {
    const button = node.closest("form")?.querySelector("[type=submit]");
    if (!button) return;
    button.textContent = t(`confirm_${kind() || "measure"}`);
    button.className = kind() === "end" ? "danger" : "hold";
  };
  node.addEventListener("change", name);
  return {
    node, read: kind,
    open(yes) {
      if (node.hidden === yes) inputs.forEach((input) => { input.checked = false; });
      node.hidden = !yes;
      inputs.forEach((input) => { input.required = yes; });
      name();
    },
  };
}

function sidesPart(session) {
  const option = (value, words, checked) => el("label", {},
    el("input", { type: "radio", name: "side", value, checked }), el("span", {}, words));
  return el("fieldset", { class: "warn-sides" }, el("legend", {}, t("warn_whom")),
    option("both", t("both_sides"), true), ...SIDES.map((side) => option(side, t(sideKey(session, side)), false)));
}

function ownWords(grounds) {
  const text = el("textarea", { name: "text", rows: "2", maxlength: String(LONGEST), "aria-label": t("warn_own_words"), placeholder: t("warn_own_words") });
  const code = el("select", { name: "code", "aria-label": t("choose_article") },
    ...grounds.map((ground) => el("option", { value: ground.code }, `${citation(ground)} ${inWords(ground)}`)));
  const node = el("div", { class: "warn-own", hidden: true }, text, code);
  const choice = el("label", { class: "code" },
    el("input", { type: "radio", name: "words", value: OWN, required: true }),
    el("span", { class: "code-title" }, el("strong", { class: "code-name" }, t("warn_own")), ` ${t("warn_own_words")}`));
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

function wordsOf(form, chosen) {
  if (!chosen) return { article: form.elements.code.value, text: form.elements.text.value.trim() };
  return { article: chosen.ground.code, text_id: chosen.words.id };
}
