/**
 * The section of second factors: those that the officer has, a new authenticator app, and the sheet of recovery codes.
 */
import { hasKeys } from "../../api/security_key.js";
import { t } from "../../i18n/i18n.js";
import { dateAndTime } from "../../state/clock.js";
import { el, put, show } from "../dom.js";
import { qrCode } from "./qr.js";

/** @param {{onAddApp(), onAddKey(), onRemove(factor), onRenew()}} actions */
export function factorsView({ onAddApp, onAddKey, onRemove, onRenew }) {
  const rows = el("ul", { class: "rows" });
  const none = el("p", { class: "quiet", t: "factors_none" });
  const left = el("p", { class: "quiet" });
  const addKey = el("button", { type: "button", t: "factor_add_key", hidden: !hasKeys(), on: { click: onAddKey } });
  const renew = el("button", { type: "button", t: "recovery_renew", on: { click: onRenew } });
  const node = el("section", { "aria-labelledby": "factors-title" },
    el("h2", { id: "factors-title", t: "factors" }), el("p", { class: "quiet", t: "factors_hint" }), rows, none, left,
    el("div", { class: "orders" }, el("button", { type: "button", class: "primary", t: "factor_add_app", on: { click: onAddApp } }), addKey, renew));
  return {
    node,
    update({ factors, recovery_codes_left: codes, required }) {
      rows.replaceChildren(...factors.map((factor) => row(factor, onRemove, required && factors.length === 1)));
      show(none, factors.length === 0);
      show(renew, factors.length > 0);
      show(left, factors.length > 0);
      put(left, t("recovery_left", { count: codes }));
    },
  };
}

function row(factor, onRemove, stays) {
  const used = factor.used_at ? t("factor_used", { at: dateAndTime(factor.used_at) }) : t("factor_unused");
  const remove = el("button", { type: "button", disabled: stays, "aria-label": t("factor_remove_named", { name: factor.name }),
    on: { click: () => onRemove(factor) } }, t("factor_remove"));
  return el("li", {},
    el("div", {}, el("strong", {}, factor.name), el("p", { class: "quiet small" }, `${t(`factor_${factor.kind}`)} · ${used}`)), remove);
}

/**
 * The panel in which a new authenticator app is added.
 * @param {{secret: string, qr: {size: number, path: string}}} begun
 * @param {{onConfirm(name, code), onCancel()}} actions
 */
export function enrolView(begun, { onConfirm, onCancel }) {
  const name = el("input", { id: "factor-name", name: "name", required: true, maxlength: "40", autocomplete: "off" });
  const code = el("input", { id: "factor-code", name: "code", required: true, inputmode: "numeric", autocomplete: "one-time-code", maxlength: "7", pattern: "\\d{3} ?\\d{3}" });
  name.value = t("factor_usual_name");
  const refusal = el("div", { class: "refusal", role: "alert" });
  const button = el("button", { type: "submit", class: "primary", t: "factor_confirm" });
  const form = el("form", {},
    el("p", { t: "enrol_scan" }), el("p", { class: "quiet", t: "enrol_type" }),
    el("p", { class: "secret" }, begun.secret.match(/.{1,4}/g).join(" ")),
    el("label", { for: "factor-name", t: "factor_name" }), name, el("label", { for: "factor-code", t: "factor_code" }), code, refusal,
    el("div", { class: "orders" }, button, el("button", { type: "button", t: "cancel", on: { click: onCancel } })));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await onConfirm(name.value.trim(), code.value.replace(/\s/g, ""));
    button.disabled = false;
  });
  return {
    node: el("section", { "aria-labelledby": "enrol-title" }, el("h2", { id: "enrol-title", t: "factor_add_app" }),
      el("div", { class: "enrol" }, qrCode(begun.qr, t("enrol_qr")), form)),
    focus: () => code.focus(),
    refuse(problem) {
      refusal.replaceChildren(el("strong", {}, problem.title), el("p", {}, problem.detail));
      code.value = "";
      code.focus();
    },
  };
}

/** The sheet of recovery codes, shown once. */
export function recoveryView(codes, name, onDone) {
  const done = el("button", { type: "button", class: "primary", t: "recovery_done", on: { click: onDone } });
  const node = el("section", { class: "recovery-sheet", "aria-labelledby": "recovery-title" },
    el("h2", { id: "recovery-title", tabindex: "-1", t: "recovery" }), el("p", {}, t("recovery_of", { name })),
    el("p", { class: "notice", t: "recovery_hint" }),
    el("ul", { class: "codes" }, ...codes.map((code) => el("li", {}, code))),
    el("div", { class: "orders" }, el("button", { type: "button", t: "recovery_print", on: { click: () => print() } }), done));
  return { node, focus: () => node.querySelector("h2").focus() };
}
