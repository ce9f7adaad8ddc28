/**
 * Entry of the auditors' page: shows the sign-in, or the page of the auditor who is signed in.
 */
import * as api from "../api/rest.js";
import { translate } from "../i18n/i18n.js";
import { PARTS } from "../ui/audit/page.js";
import { signInView } from "../ui/sign_in.js";
import { complain } from "../ui/toast.js";
import { Audit } from "./audit_page.js";

const page = document.getElementById("page");
let running = null;

function askToSignIn() {
  running?.close();
  running = null;
  const view = signInView(async (user, password) => {
    try {
      await api.signIn(user, password);
      await beginAudit().catch(signOutAndFail);
    } catch (error) {
      view.refuse(api.asProblem(error));
    }
  }, undefined, { title: "audit_title", hint: "audit_sign_in_hint" });
  page.replaceChildren(view.node);
  translate(document);
  view.focus();
}

/** Signs out a user for whom this page is not, who would otherwise stay signed in behind the refusal. */
async function signOutAndFail(error) {
  if (error.code === "not_auditor") await api.signOut();
  throw error;
}

async function beginAudit() {
  const { who: me } = await api.me();
  if (!(me.role in PARTS)) throw api.localProblem("not_auditor");
  running?.close();
  running = new Audit(me, askToSignIn);
  page.replaceChildren(running.node);
  translate(document);
  running.start();
}

async function begin() {
  try {
    await beginAudit();
  } catch (error) {
    askToSignIn();
    if (error.status !== 401) complain(api.asProblem(error));
  }
}

// Films must not be played from the browser's memory after the page was left.
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  complain(api.asProblem(event.reason));
});

translate(document);
begin();
