/**
 * What is shown this once: a code for a terminal, the link of an invitation, a key. It stays until the officer closes it.
 */
import { onLanguage, t } from "../../i18n/i18n.js";
import { el, put } from "../dom.js";
import { qrCode } from "../account/qr.js";
import { complain, inform } from "../toast.js";
import { localProblem } from "../../api/rest.js";

/** @param {{kind: string, secret: string, values: object, qr?: object}} shown `kind` names the words */
export function shownOnce({ kind, secret, values, qr = null }, onDone) {
  const title = el("h2", { tabindex: "-1", id: "once-title" });
  const words = el("p", {});
  const value = el("output", { class: kind === "code" ? "once-code" : "once-secret", "aria-labelledby": "once-title" }, secret);
  const write = () => {
    put(title, t(`admin_once_${kind}`, values));
    put(words, t(`admin_once_${kind}_hint`, values));
  };
  const stop = onLanguage(write);
  const close = () => {
    stop();
    node.remove();
    onDone();
  };
  const node = el("section", { class: "once", "aria-labelledby": "once-title" }, title, words,
    el("div", { class: "once-row" }, ...(qr ? [qrCode(qr, t("admin_once_qr"))] : []), value),
    el("div", { class: "line" },
      el("button", { type: "button", class: "primary", t: "admin_copy", on: { click: () => copy(secret) } }),
      el("button", { type: "button", t: "admin_once_done", on: { click: close } })));
  write();
  return { node, focus: () => title.focus() };
}

async function copy(secret) {
  try {
    await navigator.clipboard.writeText(secret);
    inform(t("admin_copied"));
  } catch {
    complain(localProblem("copy")); // the browser allows it on https and on this machine alone
  }
}
