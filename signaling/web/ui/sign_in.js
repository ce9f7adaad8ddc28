/**
 * The sign-in page: name and password, then a second factor where the account has one.
 */
import { asProblem, providers, signInByFactor, signInChallenge } from "../api/rest.js";
import { hasKeys, useKey } from "../api/security_key.js";
import { inWords, t } from "../i18n/i18n.js";
import { el, put, rename, show } from "./dom.js";
import { languageButton } from "./header.js";

/**
 * @param onSignIn async (user, password); the caller shows a refusal by `refuse`, which asks for the second factor where
 *   that is what is missing
 * @param onDone called once the second factor was right; by default the page begins anew, and finds the officer signed in
 * @param {{title: string, hint: string}} keys of the words of a page that is not for supervisors
 */
export function signInView(onSignIn, onDone = () => location.reload(), { title = "title", hint = "sign_in_hint" } = {}) {
  const user = el("input", { name: "user", id: "user", autocomplete: "username", required: true, spellcheck: "false", autocapitalize: "none" });
  const password = el("input", { name: "password", id: "password", type: "password", autocomplete: "current-password", required: true });
  const refusal = el("div", { class: "refusal", role: "alert" });
  const button = el("button", { type: "submit", class: "primary wide", t: "sign_in" });
  const others = el("div", { class: "providers" });
  const form = el("form", { class: "sign-in-card", "aria-labelledby": "sign-in-title" },
    el("h1", { id: "sign-in-title", t: title }), el("p", { class: "quiet", t: hint }),
    el("label", { for: "user", t: "user" }), user,
    el("label", { for: "password", t: "password" }), password,
    refusal, button, others,
    el("p", { class: "quiet small", t: "sign_in_notice" }));
  providers().then((found) => others.append(...found.map(providerLink)));
  const node = el("main", { class: "sign-in" }, el("div", { class: "corner" }, languageButton()), form);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    refusal.replaceChildren();
    try {
      await onSignIn(user.value.trim(), password.value);
    } finally {
      button.disabled = false;
      password.value = "";
    }
  });

  function refuse(problem) {
    if (problem.code === "second_factor_needed") return askFactor(problem.document);
    showRefusal(refusal, problem);
    (user.value ? password : user).focus();
  }

  function askFactor({ ticket, methods }) {
    const step = factorView(ticket, methods, onDone, () => {
      step.node.replaceWith(form);
      user.focus();
    });
    form.replaceWith(step.node);
    step.focus();
  }

  return { node, focus: () => user.focus(), refuse };
}

const providerLink = ({ name, name_en, path }) => el("a", { class: "provider", href: path }, inWords({ zh: name, en: name_en }));

function showRefusal(place, problem) {
  place.replaceChildren(el("strong", {}, problem.title), el("p", {}, problem.detail));
}

/** The second step: a code of the authenticator app, a security key, or a recovery code. */
function factorView(ticket, methods, onDone, onBack) {
  const digits = { autocomplete: "one-time-code", inputmode: "numeric", maxlength: "7" };
  const code = el("input", { name: "code", id: "code", required: true, spellcheck: "false", ...digits });
  const label = el("label", { for: "code", t: "factor_code" });
  const hint = el("p", { class: "quiet", t: "factor_hint" });
  const refusal = el("div", { class: "refusal", role: "alert" });
  const button = el("button", { type: "submit", class: "primary wide", t: "factor_go_on" });
  const words = el("span", { t: "factor_use_recovery" });
  const other = el("button", { type: "button", class: "quiet-button wide" }, words);
  const key = el("button", { type: "button", class: "quiet-button wide", t: "factor_use_key" });
  const back = el("button", { type: "button", class: "quiet-button wide", t: "factor_back", on: { click: onBack } });
  const node = el("form", { class: "sign-in-card", "aria-labelledby": "factor-title" },
    el("h1", { id: "factor-title", t: "factor_title" }), hint, label, code, refusal, button, key, other, back);
  let recovers = false;

  function choose(recovery) {
    recovers = recovery;
    rename(label, recovery ? "factor_recovery" : "factor_code");
    rename(hint, recovery ? "factor_recovery_hint" : "factor_hint");
    rename(words, recovery ? "factor_use_app" : "factor_use_recovery");
    code.maxLength = recovery ? 40 : 7;
    code.inputMode = recovery ? "text" : "numeric";
    code.value = "";
    refusal.replaceChildren();
  }

  async function answer(proofOf) {
    button.disabled = key.disabled = true;
    refusal.replaceChildren();
    try {
      await signInByFactor(ticket, await proofOf());
      onDone();
    } catch (error) {
      showRefusal(refusal, asProblem(error));
    } finally {
      button.disabled = key.disabled = false;
      code.value = "";
      code.focus();
    }
  }

  function submit(event) {
    event.preventDefault();
    const shown = code.value.replace(/\s/g, "");
    if (!recovers && !/^\d{6}$/.test(shown)) return put(refusal, t("factor_six_digits"));
    answer(() => (recovers ? { recovery: shown } : { code: shown }));
  }

  other.addEventListener("click", () => {
    choose(!recovers);
    code.focus();
  });
  node.addEventListener("submit", submit);
  key.addEventListener("click", () => answer(async () => useKey(await signInChallenge(ticket))));
  show(other, methods.includes("totp"));
  show(key, methods.includes("webauthn") && hasKeys());
  choose(!methods.includes("totp"));
  return { node, focus: () => code.focus() };
}
