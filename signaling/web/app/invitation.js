/**
 * Entry of the page of an invitation: the new officer sets the own password, is signed in by it, and comes to the page of
 * the own account, where a second factor is set up. The token stands behind the `#` of the link and is sent in one body.
 */
import { redeem } from "../api/account.js";
import { asProblem, signIn } from "../api/rest.js";
import { t, translate } from "../i18n/i18n.js";
import { el, put } from "../ui/dom.js";
import { languageButton } from "../ui/header.js";

const page = document.getElementById("page");
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname); // out of the history, and out of sight

function invitationView() {
  const password = el("input", { id: "password", type: "password", required: true, autocomplete: "new-password", maxlength: "256" });
  const again = el("input", { id: "again", type: "password", required: true, autocomplete: "new-password", maxlength: "256" });
  const refusal = el("div", { class: "refusal", role: "alert" });
  const button = el("button", { type: "submit", class: "primary wide", t: "invitation_go_on" });
  const form = el("form", { class: "sign-in-card", "aria-labelledby": "invitation-title" },
    el("h1", { id: "invitation-title", t: "invitation" }), el("p", { class: "quiet", t: "invitation_hint" }),
    el("label", { for: "password", t: "password_new" }), password, el("label", { for: "again", t: "password_again" }), again,
    el("p", { class: "quiet small", t: "invitation_rules" }), refusal, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    refusal.replaceChildren();
    if (password.value !== again.value) return put(refusal, t("password_differs"));
    button.disabled = true;
    try {
      await enter(password.value);
    } catch (error) {
      const problem = asProblem(error);
      refusal.replaceChildren(el("strong", {}, problem.title), el("p", {}, problem.detail));
    } finally {
      button.disabled = false;
    }
  });
  return el("main", { class: "sign-in" }, el("div", { class: "corner" }, languageButton()), form);
}

async function enter(password) {
  const { user } = await redeem(token, password);
  await signIn(user, password);
  location.assign("/account");
}

page.replaceChildren(invitationView());
translate(document);
page.querySelector("input").focus();
