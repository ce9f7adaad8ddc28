/**
 * Suspensions: the list of proposals with their next step, and the dialogs to propose and to decide.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { citation, citationOf } from "../../i18n/session_words.js";
import { ask, reasonField } from "../dialog.js";
import { el, keyed, mark, put, show } from "../dom.js";

/** The list of the site. @param {{onDecide(proposal)}} actions */
export function suspensionsView({ onDecide }) {
  const rows = new Map();
  const list = el("ul");
  const node = el("section", { class: "suspensions", "aria-labelledby": "suspensions-title" },
    el("h3", { id: "suspensions-title", t: "suspensions" }), list);
  return {
    node,
    update(all) {
      show(node, all.length > 0);
      keyed(list, rows, all, ({ id }) => id, () => suspensionRow(onDecide));
    },
  };
}

/** One proposal with its next step. @param onDecide (proposal) */
export function suspensionRow(onDecide) {
  let shown = null;
  const words = el("p");
  const chip = el("span", { class: "chip" });
  const facts = el("span", { class: "quiet small" });
  const unknown = el("span", { class: "quiet small", t: "suspension_unrecognised" });
  const label = el("span");
  const button = el("button", { type: "button", class: "small-button", on: { click: () => onDecide(shown) } }, label);
  return {
    node: el("li", {}, words, el("span", { class: "line" }, chip, button), facts, unknown),
    update(proposal) {
      shown = proposal;
      put(words, t("suspension_of", { name: proposal.name || proposal.person, months: proposal.months }));
      put(chip, t(`suspension_${proposal.status}`));
      mark(chip, "level", proposal.status === "proposed" ? "wait" : "idle");
      const officers = proposal.steps.filter(({ by }) => by).map(({ by, site }) => `${by.name}（${site}）`);
      const span = proposal.first ? t("suspension_span", { first: proposal.first, until: proposal.until }) : "";
      put(facts, [citationOf(proposal.code), `${proposal.by.name}（${proposal.site}）`, ...officers, span].filter(Boolean).join(" · "));
      show(unknown, !proposal.recognised);
      show(button, proposal.mine);
      put(label, t(dueIn(proposal)?.verdict === "file" ? "suspension_file" : "suspension_decide"));
    },
  };
}

const dueIn = ({ steps }) => steps.find(({ agreed }) => agreed === null);

/** The button in the details of a session. @param {{onPropose()}} actions */
export function proposeView({ onPropose }) {
  const button = el("button", { type: "button", on: { click: onPropose } }, el("span", { t: "propose" }));
  const node = el("section", { class: "propose", tLabel: "propose" }, button);
  return { node, update({ mayPropose }) { show(node, Boolean(mayPropose)); } };
}

/**
 * Asks for the person, the months, the ground and the reason of a proposal.
 * @param {{session: object, where: string, people: Array, grounds: Array, least: number, most: number}} question
 * @returns {Promise<{person: string, months: number, code: string, reason: string} | null>}
 */
export function askSuspension({ session, where, people, grounds, least, most }) {
  const months = Array.from({ length: most - least + 1 }, (_, at) => least + at);
  const reason = reasonField();
  return ask({
    title: t("ask_propose"), session, where, warning: t("ask_propose_warning"), confirm: t("confirm_propose"), style: "hold", note: false,
    middle: el("div", { class: "long-form" },
      radios("person", t("propose_whom"), people.map(({ id, name }) => [id, name])),
      radios("months", t("propose_months"), months.map((count) => [String(count), t("months", { months: count })])),
      radios("code", t("choose_article"), grounds.map((ground) => [ground.code, `${citation(ground)} ${inWords(ground)}`])), reason),
    read: ({ elements }) => ({
      person: elements.person.value, months: Number(elements.months.value), code: elements.code.value, reason: reason.value.trim(),
    }),
  });
}

/** Asks for the decision on a proposal. @returns {Promise<{decision: string, note: string} | null>} */
export function askDecision(proposal) {
  const filing = dueIn(proposal)?.verdict === "file";
  const choices = filing ? ["file"] : ["approve", "reject"];
  return ask({
    title: t(filing ? "suspension_file" : "suspension_decide"),
    where: `${t("suspension_of", { name: proposal.name || proposal.person, months: proposal.months })} · ${citationOf(proposal.code)} · ${proposal.reason}`,
    warning: t("ask_decide_warning"), confirm: t("confirm_decide"), style: "primary",
    middle: radios("decision", t("suspension_decide"), choices.map((choice) => [choice, t(`decision_${choice}`)])),
    read: ({ elements }) => ({ decision: elements.decision.value, note: elements.note.value.trim() }),
  });
}

function radios(name, legend, choices) {
  return el("fieldset", { class: "warn-sides" }, el("legend", {}, legend), ...choices.map(([value, words]) => el("label", {},
    el("input", { type: "radio", name, value, required: true }), el("span", {}, words))));
}
