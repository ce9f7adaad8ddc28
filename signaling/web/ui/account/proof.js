/**
 * A dialog that asks the officer to show the own password, a second factor, or both, before something is changed.
 */
import { t } from "../../i18n/i18n.js";
import { ask } from "../dialog.js";
import { el } from "../dom.js";

/**
 * @param {{title: string, password: boolean, factor: boolean, key: (() => Promise<object>) | null}} question what is asked
 *   for; `key` lets a security key answer where no code is typed
 * @returns {Promise<{password?: string, proof?: object} | null>} null when it was cancelled
 */
export async function askProof({ title, password, factor, key }) {
  const typed = await asked({ title, password, factor, key });
  if (!typed || !factor) return typed;
  const { code, ...shown } = typed;
  return { ...shown, proof: code.trim() ? proofOf(code) : await key() };
}

function asked({ title, password, factor, key }) {
  const fields = el("div", { class: "fields" });
  if (password) fields.append(...field("own_password", "proof-password", { type: "password", autocomplete: "current-password" }));
  if (factor) {
    const code = { autocomplete: "one-time-code", maxlength: "40", required: !key };
    fields.append(...field(key ? "factor_code_or_key" : "factor_any_code", "proof-code", code));
  }
  return ask({
    title, where: "", warning: t("proof_why"), middle: fields, confirm: t("proof_go_on"), style: "primary", note: false,
    read: (form) => ({
      ...(password && { password: form.elements["proof-password"].value }),
      ...(factor && { code: form.elements["proof-code"].value }),
    }),
  });
}

/** Returns what was typed as the second factor that it is: six digits of an app, otherwise a recovery code. */
function proofOf(text) {
  const plain = text.replace(/\s/g, "");
  return /^\d{6}$/.test(plain) ? { code: plain } : { recovery: plain };
}

const field = (key, id, attributes) => [
  el("label", { for: id }, t(key)), el("input", { id, name: id, required: true, spellcheck: "false", ...attributes }),
];
