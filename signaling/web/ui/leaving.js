/**
 * Leaving: the question before an officer signs out whose visits would be held, and the handover to a colleague.
 */
import { t } from "../i18n/i18n.js";
import { visitName, visitPlace } from "../i18n/session_words.js";
import { ask } from "./dialog.js";
import { el, icon, keyed, put, show } from "./dom.js";

/**
 * Asks before signing out.
 * @param {Array} falling the visits that would be held
 * @param {() => boolean} holds whether these still are the ones
 * @returns {Promise<"hand_over" | "leave" | null>}
 */
export function askLeave(falling, holds) {
  const choices = ["hand_over", "leave"].map((value, at) => el("label", { class: "code" },
    el("input", { type: "radio", name: "leaving", value, checked: at === 0 }), el("span", { class: "code-title" }, t(`leave_by_${value}`))));
  return ask({
    title: t("ask_sign_out", { count: falling.length }), holds, where: falling.map(visitName).join(" · "),
    warning: t("ask_sign_out_warning"), confirm: t("confirm_sign_out"), style: "primary", note: false,
    middle: el("div", { class: "codes few", role: "radiogroup", tLabel: "sign_out" }, ...choices),
    read: (form) => form.elements.leaving.value,
  });
}

/**
 * Asks to whom which visits are handed over.
 * @param {{colleagues: Array, most: number, sessions: Array, holds: () => boolean}} question most: visits in which one
 *   officer counts; holds: whether all of them can still be handed over
 * @returns {Promise<{to: string, sessions: string[]} | null>}
 */
export function askHandover({ colleagues, most, sessions, holds }) {
  const people = colleagues.map(({ id, name, chosen }) => el("label", { class: "code" },
    el("input", { type: "radio", name: "to", value: id, required: true, checked: colleagues.length === 1 }),
    el("span", { class: "code-title" }, t("colleague", { name, chosen, most }))));
  const visits = sessions.map((session) => el("label", { class: "code" },
    el("input", { type: "checkbox", name: "session", value: session.id, checked: true }),
    el("span", { class: "code-title" }, visitName(session), " ", el("span", { class: "quiet small" }, visitPlace(session)))));
  return ask({
    title: t("ask_hand_over"), holds, where: t("ask_hand_over_to"), warning: t("ask_hand_over_warning"),
    confirm: t("confirm_hand_over"), style: "primary", note: false,
    middle: el("div", { class: "long-form" },
      el("div", { class: "codes few", role: "radiogroup", tLabel: "ask_hand_over_to" }, ...people),
      el("fieldset", { class: "codes few" }, el("legend", {}, t("handed_over")), ...visits)),
    read: (form) => ({
      to: form.elements.to.value,
      sessions: [...form.querySelectorAll("input[name=session]:checked")].map(({ value }) => value),
    }),
  });
}

/**
 * The handovers under way: what a colleague asks of this officer, and what this officer waits for.
 * @param {{onAnswerHandover(id, word)}} actions
 */
export function handoversView({ onAnswerHandover }) {
  const rows = new Map();
  const node = el("ul", { class: "handovers", tLabel: "hand_over" });
  return {
    node,
    /** @param {{handovers, me, sessionOf(id)}} model */
    update({ handovers, me, sessionOf }) {
      keyed(node, rows, handovers.map((handover) => ({ handover, me, sessionOf })), ({ handover }) => handover.id,
        () => handoverRow(onAnswerHandover));
    },
  };
}

function handoverRow(answer) {
  let id = "";
  const words = el("strong");
  const visits = el("span", { class: "small" });
  const button = (word, style) => el("button", { type: "button", class: style, t: `handover_${word}`, on: { click: () => answer(id, word) } });
  const [accept, decline, withdraw] = [button("accept", "primary"), button("decline", "small-button"), button("withdraw", "small-button")];
  const node = el("li", { role: "status" }, icon("people"), words, visits, el("span", { class: "line" }, accept, decline, withdraw));
  return {
    node,
    update({ handover, me, sessionOf }) {
      const gives = handover.giver.id === me.id;
      id = handover.id;
      if (!gives) node.setAttribute("role", "alert");
      put(words, t(`handover_${handover.stage}_${gives ? "giver" : "taker"}`, { name: (gives ? handover.taker : handover.giver).name }));
      put(visits, handover.sessions.map(sessionOf).filter(Boolean).map(visitName).join(" · "));
      show(accept, !gives && handover.stage === "offered");
      show(decline, !gives);
      show(withdraw, gives);
    },
  };
}
