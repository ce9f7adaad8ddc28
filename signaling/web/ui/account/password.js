/**
 * The section in which the officer changes the own password.
 */
import { t } from "../../i18n/i18n.js";
import { el, put } from "../dom.js";

/** @param onChange async (password, next), which throws a refusal as a problem */
export function passwordView(onChange) {
  const refusal = el("div", { class: "refusal", role: "alert" });
  const present = field("password-present", "current-password");
  const next = field("password-next", "new-password");
  const again = field("password-again", "new-password");
  const button = el("button", { type: "submit", class: "primary", t: "password_change" });
  const form = el("form", {},
    el("label", { for: present.id, t: "password_present" }), present, el("label", { for: next.id, t: "password_new" }), next,
    el("label", { for: again.id, t: "password_again" }), again, refusal, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    refusal.replaceChildren();
    if (next.value !== again.value) return put(refusal, t("password_differs"));
    button.disabled = true;
    try {
      await onChange(present.value, next.value);
    } catch (problem) {
      refusal.replaceChildren(el("strong", {}, problem.title), el("p", {}, problem.detail));
    } finally {
      button.disabled = false;
      for (const input of [present, next, again]) input.value = "";
    }
  });
  return el("section", { "aria-labelledby": "password-title" }, el("h2", { id: "password-title", t: "password_title" }),
    el("p", { class: "quiet", t: "password_rules" }), form);
}

const field = (id, autocomplete) => el("input", { id, type: "password", required: true, autocomplete, maxlength: "256" });
