/**
 * Listening again (复听): whether it is due, and what two different auditors found.
 */
import { codeWords } from "../../../i18n/audit_words.js";
import { onLanguage, t } from "../../../i18n/i18n.js";
import { wholeDate } from "../../../state/clock.js";
import { el, mark, put, show } from "../../dom.js";

const VERDICTS = ["proper", "improper", "unclear"];
const LEVELS = { due: "wait", overdue: "bad", done: "good" };

/** @param {(rating: {verdict, text}) => Promise<boolean>} onRate @param {string} me the auditor's id */
export function ratingsView(onRate, me) {
  const state = el("span", { class: "chip" });
  const list = el("ol", { class: "mark-list" });
  const verdicts = el("div", { class: "verdicts", role: "radiogroup", tLabel: "audit_verdict" }, ...VERDICTS.map((code) => el("label", { class: "line" },
    el("input", { type: "radio", name: "verdict", value: code, required: true }), el("span", { t: `audit_verdict_${code}` }))));
  const text = el("textarea", { name: "text", rows: "2", required: true, maxlength: "300", tLabel: "audit_rating_text" });
  const save = el("button", { type: "submit", class: "small-button primary", t: "audit_rate" });
  const form = el("form", {}, verdicts, text, el("div", { class: "line end" }, save));
  const mine = el("p", { class: "quiet small", t: "audit_rated_mine", hidden: true });
  const node = el("section", { class: "ratings", "aria-labelledby": "ratings-title" },
    el("div", { class: "line" }, el("h2", { id: "ratings-title", t: "audit_relisten" }), el("span", { class: "spring" }), state), list, mine, form);
  let shown = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    if (await onRate({ verdict: form.elements.verdict.value, text: text.value.trim() })) form.reset();
    save.disabled = false;
  });

  const write = () => {
    if (!shown) return;
    const { relisten, ratings } = shown;
    const code = relisten?.state ?? "none";
    mark(state, "level", LEVELS[code] ?? "");
    put(state, t(`audit_relisten_state_${code}`, { at: relisten?.due_at ? wholeDate(relisten.due_at) : "" }));
    list.replaceChildren(...ratings.map((rating) => el("li", {},
      el("div", { class: "line" }, el("span", { class: "chip", data: { level: { proper: "good", improper: "bad" }[rating.verdict] ?? "wait" } }, codeWords("verdict", rating.verdict))),
      el("p", { class: "mark-text", dir: "auto" }, rating.text),
      el("p", { class: "quiet small" }, `${rating.by_name} · ${wholeDate(rating.at)}`))));
    const rated = ratings.some(({ by }) => by === me);
    show(mine, rated && ratings.length < 2);
    show(form, code !== "none" && !rated && ratings.length < 2);
  };
  const stop = onLanguage(write);
  return {
    node,
    update(relisten, ratings) {
      shown = { relisten, ratings };
      write();
    },
    close: stop,
  };
}
