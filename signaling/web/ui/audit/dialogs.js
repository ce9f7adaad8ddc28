/**
 * Dialogs of the auditors' page that ask for a reason. Each returns {reason}, or null when it was cancelled.
 */
import { t } from "../../i18n/i18n.js";
import { ask, reasonField } from "../dialog.js";

/** @param {"withdraw" | "hold" | "lift"} kind @param {string} where what it is about */
export function askReasonFor(kind, where) {
  return ask({
    title: t(`audit_ask_${kind}`), where, warning: t(`audit_ask_${kind}_warning`), confirm: t(`audit_ask_${kind}_yes`), style: "primary", note: false,
    middle: reasonField(), read: (form) => ({ reason: form.elements.reason.value.trim() }),
  });
}
