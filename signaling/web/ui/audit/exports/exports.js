/**
 * Requests to hand recordings over: those of one visit with a form for another one, or all in the auditor's scope.
 */
import { t } from "../../../i18n/i18n.js";
import { ask, reasonField } from "../../dialog.js";
import { el, keyed, show } from "../../dom.js";
import { exportRow } from "./row.js";

/**
 * @param {string} me the auditor's id
 * @param {{onRequest?(order): Promise<boolean>, onStep(request, step)}} actions without `onRequest` it is the list of all
 */
export function exportsView(me, { onRequest, onStep }) {
  const rows = new Map();
  const list = el("ol", { class: "mark-list" });
  const none = el("p", { class: "quiet small", t: "audit_exports_none", hidden: true });
  const receiver = el("input", { name: "receiver", type: "text", required: true, minlength: "2", maxlength: "60", autocomplete: "off", tLabel: "audit_export_receiver" });
  const reason = el("textarea", { name: "reason", rows: "2", required: true, maxlength: "300", tLabel: "audit_export_reason" });
  const send = el("button", { type: "submit", class: "small-button primary", t: "audit_export_request" });
  const form = el("form", { class: "export-form" }, el("label", {}, el("span", { class: "quiet small", t: "audit_export_receiver" }), receiver),
    el("label", {}, el("span", { class: "quiet small", t: "audit_export_reason" }), reason), el("div", { class: "line end" }, send));
  const verifier = el("p", { class: "quiet small" }, el("a", { href: "/verify.html", download: "verify.html", t: "audit_exports_verifier" }));
  const node = el("div", { class: "exports" }, ...(onRequest ? [form] : []), none, list, verifier);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!receiver.value.trim() || !reason.value.trim()) return;
    send.disabled = true;
    if (await onRequest({ receiver: receiver.value.trim(), reason: reason.value.trim() })) form.reset();
    send.disabled = false;
  });

  return {
    node,
    update(requests) {
      keyed(list, rows, requests, ({ id }) => id, () => exportRow(me, !onRequest, onStep));
      show(none, requests.length === 0);
    },
    close() {
      for (const row of rows.values()) row.close();
    },
  };
}

/** Asks before a step is taken; a refusal needs a reason. @returns {Promise<object | null>} the step's body */
export async function askStep(request, step) {
  const words = { title: t(`audit_export_${step}`), where: request.receiver, warning: t(`audit_export_${step}_warning`), confirm: t(`audit_export_${step}`), note: false };
  if (step === "refuse") {
    const answer = await ask({ ...words, style: "primary", middle: reasonField(), read: (form) => form.elements.reason.value.trim() });
    return answer && { decision: "refuse", note: answer };
  }
  const yes = await ask({ ...words, style: step === "withdraw" ? "danger" : "primary", read: () => true });
  return yes && (step === "approve" ? { decision: "approve" } : {});
}
