/**
 * Requests to hand recordings over: those of one visit with a form for another one, or all in the auditor's scope.
 */
import { t } from "../../../i18n/i18n.js";
import { ask, reasonField } from "../../dialog.js";
import { el, keyed, show } from "../../dom.js";
import { exportRow } from "./row.js";

const MOST = 5; // downloaders that the server takes

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
  const choices = el("div", { class: "export-downloaders" });
  const whom = el("fieldset", { hidden: true }, el("legend", { class: "quiet small", t: "audit_export_choose" }), choices);
  const send = el("button", { type: "submit", class: "small-button primary", t: "audit_export_request" });
  const form = el("form", { class: "export-form" }, el("label", {}, el("span", { class: "quiet small", t: "audit_export_receiver" }), receiver),
    el("label", {}, el("span", { class: "quiet small", t: "audit_export_reason" }), reason), whom, el("div", { class: "line end" }, send));
  const verifier = el("p", { class: "quiet small" }, el("a", { href: "/verify.html", download: "verify.html", t: "audit_exports_verifier" }));
  const node = el("div", { class: "exports" }, ...(onRequest ? [form] : []), none, list, verifier);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const downloaders = [...new FormData(form).getAll("downloader")];
    if (!receiver.value.trim() || !reason.value.trim()) return;
    send.disabled = true;
    const done = await onRequest({ receiver: receiver.value.trim(), reason: reason.value.trim(), downloaders });
    if (done) form.reset();
    send.disabled = false;
    limit();
    if (document.activeElement === document.body) (done ? receiver : send).focus(); // it went with the button's being disabled
  });
  whom.addEventListener("change", limit);

  /** Lets at least one and at most five be chosen. */
  function limit() {
    const boxes = [...choices.querySelectorAll("input")];
    const chosen = boxes.filter(({ checked }) => checked).length;
    for (const box of boxes) box.disabled = !box.checked && chosen >= MOST;
    send.disabled = boxes.length > 0 && chosen === 0;
  }

  return {
    node,
    update(requests) {
      keyed(list, rows, requests, ({ id }) => id, () => exportRow(me, !onRequest, onStep));
      show(none, requests.length === 0);
    },
    /** Offers the accounts that may fetch the package; the officer's own is chosen at first. */
    offer(accounts) {
      choices.replaceChildren(...accounts.map(({ id, name }) => el("label", {},
        el("input", { type: "checkbox", name: "downloader", value: id, checked: id === me }), ` ${name} (${id})`)));
      show(whom, accounts.length > 0);
      limit();
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
