/**
 * Dialogs of the auditors' page. Each returns null when it was cancelled; those that ask for a reason return {reason}.
 */
import { peopleOf } from "../../i18n/audit_words.js";
import { t } from "../../i18n/i18n.js";
import { wholeDate } from "../../state/clock.js";
import { ask, reasonField } from "../dialog.js";

/** Asks whether to go on with a part of a purge. @param {"permit" | "apply"} kind */
export function askPurge(kind, where) {
  return ask({
    title: t(`audit_ask_${kind}`), where, warning: t(`audit_ask_${kind}_warning`), confirm: t(`audit_ask_${kind}_yes`),
    style: kind === "apply" ? "danger" : "primary", note: false, read: () => true,
  });
}

/** The same about a visit, which is named by its time and people. @param {"hold" | "lift" | "inspect"} kind */
export const askAbout = (kind, visit) => askReasonFor(kind, `${wholeDate(visit.starts_at)} ${peopleOf(visit)}`);

/** @param {"withdraw" | "hold" | "lift" | "inspect"} kind @param {string} where what it is about */
export function askReasonFor(kind, where) {
  return ask({
    title: t(`audit_ask_${kind}`), where, warning: t(`audit_ask_${kind}_warning`), confirm: t(`audit_ask_${kind}_yes`), style: "primary", note: false,
    middle: reasonField(), read: (form) => ({ reason: form.elements.reason.value.trim() }),
  });
}
