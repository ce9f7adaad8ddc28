/**
 * Grounds to choose from: each as officers say its article (第十六条第（二）项), with what it demands.
 *
 * The usual ones of the pack stand first; those that must end the visit are marked. Nothing is chosen
 * beforehand, and the first arrow key chooses the first ground.
 */
import { inWords, t } from "../i18n/i18n.js";
import { citation } from "../i18n/session_words.js";
import { el } from "./dom.js";

/** Which grounds fit an order; the server refuses the others. */
const FITS = {
  end: (ground) => (ground.must_end || ground.may_hold) && !ground.by_agreement,
  hold: (ground) => ground.may_hold,
  mute: (ground) => !ground.must_end && !ground.code.startsWith("SAY-"),
};
export const fits = (kind) => FITS[kind];

/** The order of an act's grounds: for a stop those that demand it, then the usual ones, then as the pack has them. */
export const inOrder = (grounds, kind, begun) => [...grounds].sort((a, b) =>
  (kind === "end" ? Number(b.must_end) - Number(a.must_end) : 0) || (begun ? place(a) - place(b) : 0));
const place = ({ usual }) => usual || Number.MAX_SAFE_INTEGER;

/**
 * @param {Array} grounds as the server lists them, with `blocked` @param {"hold" | "end" | "mute"} kind of the order
 * @param {boolean} begun whether the visit has begun: the usual grounds are those of a visit that goes on
 */
export function groundChoices(grounds, kind, begun) {
  const rows = inOrder(grounds, kind, begun).map((ground) => choice(ground, ground.blocked && kind !== "mute"));
  const list = el("div", { class: "codes", role: "radiogroup", "aria-label": t("choose_article"), tabindex: "-1", data: { first: "true" } }, ...rows);
  list.addEventListener("keydown", (event) => event.target === list && obey(event, list));
  return list;
}

const ARROWS = new Set(["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"]);

/** The list itself has the focus until a key chooses: a focused radio button would pass over the first ground. */
function obey(event, list) {
  if (event.key === "Enter") list.closest("form").requestSubmit(); // which says what is lacking
  if (!ARROWS.has(event.key)) return;
  const all = [...list.querySelectorAll("input:enabled")];
  const to = event.key === "ArrowUp" || event.key === "ArrowLeft" ? all.at(-1) : all[0];
  event.preventDefault();
  to?.click();
  to?.focus();
}

const TAGS = ["by_agreement", "must_end", "may_warn", "may_suspend"];

/** A ground to choose; `blocked`: not before a warning in vain. */
function choice(ground, blocked) {
  const tags = [...(blocked ? ["blocked"] : []), ...TAGS.filter((tag) => ground[tag] && !(tag === "must_end" && ground.by_agreement))];
  return el("label", { class: "code", title: ground.code },
    el("input", { type: "radio", name: "article", value: ground.code, required: true, disabled: Boolean(blocked) }),
    el("span", { class: "code-title" }, el("strong", { class: "code-name" }, citation(ground)), ` ${inWords(ground)} `,
      ...tags.map((tag) => el("span", { class: "tag", data: { tag } }, t(`code_${tag}`)))));
}
