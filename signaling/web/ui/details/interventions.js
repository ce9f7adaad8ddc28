/**
 * Warnings of a visit with their confirmations by the rooms, and what is announced of interventions.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { citationOf, shortSideKey, sideKey } from "../../i18n/session_words.js";
import { timeOfDay } from "../../state/clock.js";
import { SIDES } from "../../state/sessions.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";

/** The warnings of the visit, the newest first. */
export function warningsView() {
  const rows = new Map();
  const list = el("ul");
  const node = el("section", { class: "warnings", "aria-labelledby": "warnings-title" },
    el("h3", { id: "warnings-title", t: "warnings" }), list);
  return {
    node,
    update({ session }) {
      const warnings = [...(session.warnings ?? [])].reverse();
      show(node, warnings.length > 0);
      keyed(list, rows, warnings.map((warning) => ({ warning, session })), ({ warning }) => warning.id, warningRow);
    },
  };
}

function warningRow() {
  const head = el("span", { class: "quiet small" });
  const words = el("p");
  const sides = SIDES.map((side) => {
    const verdict = el("span");
    return { side, verdict, node: el("span", { class: "chip" }, icon("clock"), verdict) };
  });
  return {
    node: el("li", {}, head, words, el("span", { class: "line" }, ...sides.map(({ node }) => node))),
    update({ warning, session }) {
      put(head, `${timeOfDay(warning.at)} · ${citationOf(warning.article)} · ${warning.by?.name ?? ""}`);
      put(words, inWords(warning));
      for (const { side, verdict, node } of sides) {
        const confirmed = warning.acknowledged.includes(side);
        show(node, warning.sides.includes(side));
        mark(node, "level", confirmed ? "good" : "wait");
        swapIcon(node, confirmed ? "check" : "clock");
        put(verdict, `${t(shortSideKey(session, side))} ${t(confirmed ? "warning_confirmed" : "warning_waits")}`);
      }
    },
  };
}

/** Words for the changes of mutes and confirmations, for screen readers. */
export function interventionsChanged(before, after) {
  const words = [];
  for (const side of SIDES) {
    const [was, is] = [before, after].map((view) => view.muted?.some((entry) => entry.side === side) ?? false);
    if (was !== is) words.push(`${t(sideKey(after, side))} ${t(is ? "is_muted" : "is_heard")}`);
  }
  for (const warning of after.warnings ?? []) {
    const confirmed = before.warnings?.find(({ id }) => id === warning.id)?.acknowledged ?? [];
    for (const side of warning.acknowledged.filter((side) => !confirmed.includes(side))) {
      words.push(`${t(sideKey(after, side))} ${t("warning_confirmed")}`);
    }
  }
  return words;
}
