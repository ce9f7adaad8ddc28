/**
 * The sign-in page with name and password.
 */
import { el } from "./dom.js";
import { languageButton } from "./header.js";

/** @param onSignIn async (user, password); the caller shows a refusal by `refuse` */
export function signInView(onSignIn) {
  const user = el("input", { name: "user", id: "user", autocomplete: "username", required: true, spellcheck: "false", autocapitalize: "none" });
  const password = el("input", { name: "password", id: "password", type: "password", autocomplete: "current-password", required: true });
  const refusal = el("div", { class: "refusal", role: "alert" });
  const button = el("button", { type: "submit", class: "primary wide", t: "sign_in" });
  const form = el("form", { class: "sign-in-card", "aria-labelledby": "sign-in-title" },
    el("h1", { id: "sign-in-title", t: "title" }), el("p", { class: "quiet", t: "sign_in_hint" }),
    el("label", { for: "user", t: "user" }), user,
    el("label", { for: "password", t: "password" }), password,
    refusal, button,
    el("p", { class: "quiet small", t: "sign_in_notice" }));

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

  return {
    node: el("main", { class: "sign-in" }, el("div", { class: "corner" }, languageButton()), form),
    focus: () => user.focus(),
    refuse(problem) {
      refusal.replaceChildren(el("strong", {}, problem.title), el("p", {}, problem.detail));
      (user.value ? password : user).focus();
    },
  };
}
