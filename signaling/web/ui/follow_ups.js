/**
 * What follows visits that did not take place: requests to book again first, and sides that had not arrived.
 */
import { inWords, t } from "../i18n/i18n.js";
import { citationOf, sideKey, visitLine } from "../i18n/session_words.js";
import { dateAndTime } from "../state/clock.js";
import { ask, reasonField } from "./dialog.js";
import { el, keyed, mark, put, show } from "./dom.js";

/** The open requests of the site. @param {{onDecline(request)}} actions */
export function rebookingsView({ onDecline }) {
  const rows = new Map();
  const list = el("ul");
  const node = el("section", { class: "suspensions rebookings", "aria-labelledby": "rebookings-title" },
    el("h3", { id: "rebookings-title", t: "rebookings" }), list);
  return {
    node,
    update(requests) {
      const open = requests.filter(({ state }) => state === "open");
      show(node, open.length > 0);
      keyed(list, rows, open, ({ id }) => id, () => rebookingRow(onDecline));
    },
  };
}

/** The visit that did not take place, by when it was to be, and whose. */
const lostVisit = (request) => `${dateAndTime(request.starts_at)} ${visitLine(request)}`;

/** One request to book again first, with the visit that did not take place. @param onDecline (request) */
export function rebookingRow(onDecline) {
  let shown = null;
  const [name, words] = [el("strong"), el("p")];
  const facts = el("span", { class: "quiet small" });
  const button = el("button", { type: "button", class: "small-button", t: "rebooking_decline", on: { click: () => onDecline(shown) } });
  return {
    node: el("li", {}, name, words, el("span", { class: "line" }, facts, button)),
    update(request) {
      shown = request;
      put(name, lostVisit(request));
      put(words, `${dateAndTime(request.at)} ${inWords(request.cause) || t("rebooking_fault")}`);
      put(facts, citationOf(request.article));
    },
  };
}

/** The sides that had not arrived. @param {{onDecideAbsence(absence, decision)}} actions */
export function absencesView({ onDecideAbsence }) {
  const rows = new Map();
  const list = el("ul");
  const node = el("section", { class: "suspensions absences", "aria-labelledby": "absences-title" },
    el("h3", { id: "absences-title", t: "absences" }), list);
  return {
    node,
    update(absences) {
      const shown = absences.filter(({ state, mine }) => mine.length > 0 || state === "forfeited");
      show(node, shown.length > 0);
      keyed(list, rows, shown, ({ id }) => id, () => absenceRow(onDecideAbsence));
    },
  };
}

/** One side that had not arrived. @param onDecideAbsence (absence, decision) */
export function absenceRow(onDecideAbsence) {
  let shown = null;
  const words = el("p");
  const chip = el("span", { class: "chip" });
  const facts = el("span", { class: "quiet small" });
  const buttons = ["forfeit", "excuse", "take_back"].map((decision) => ({
    decision,
    node: el("button", { type: "button", class: "small-button", t: `absence_${decision}`, on: { click: () => onDecideAbsence(shown, decision) } }),
  }));
  return {
    node: el("li", {}, words, el("span", { class: "line" }, chip, ...buttons.map(({ node }) => node)), facts),
    update(absence) {
      shown = absence;
      put(words, absenceWords(absence));
      put(chip, t(`absence_state_${absence.state}`));
      mark(chip, "level", absence.state === "noted" ? "wait" : "idle");
      put(facts, absence.decided.map(decisionWords).join(" · "));
      buttons.forEach(({ decision, node }) => show(node, absence.mine.includes(decision)));
    },
  };
}

const absenceWords = (absence) =>
  `${dateAndTime(absence.at)} ${t(sideKey(absence, absence.side))}${t("colon")}${absence.people.map(({ name }) => name).filter(Boolean).join(t("and_names"))}`;

const decisionWords = ({ decision, by, reason, consequence }) =>
  [t(`absence_${decision}`), consequence ? t(`lost_${consequence}`) : "", by?.name ?? t("automatic"), reason].filter(Boolean).join(" ");

/** Asks why a request is closed without a visit. @returns {Promise<{reason: string} | null>} */
export function askDecline(request) {
  return askReason({ title: t("rebooking_decline"), where: [lostVisit(request), citationOf(request.article), inWords(request.cause)].filter(Boolean).join(" · "), warning: t("ask_decline_warning"), style: "hold" });
}

/** Asks why an absence is decided so. @returns {Promise<{reason: string} | null>} */
export function askAbsence(absence, decision) {
  return askReason({
    title: t(`absence_${decision}`), where: absenceWords(absence),
    warning: t(`ask_${decision}_warning`), style: decision === "forfeit" ? "danger" : "primary",
  });
}

function askReason({ title, where, warning, style }) {
  const reason = reasonField();
  return ask({
    title, where, warning, confirm: t("confirm_decide"), style, note: false,
    middle: el("div", { class: "long-form" }, reason), read: () => ({ reason: reason.value.trim() }),
  });
}
