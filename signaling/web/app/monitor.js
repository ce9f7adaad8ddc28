/**
 * Entry of the supervisors' page: shows the sign-in, or the page of the officer who is signed in.
 */
import * as api from "../api/rest.js";
import { translate } from "../i18n/i18n.js";
import { wakeSound } from "../media/sound.js";
import { el } from "../ui/dom.js";
import { signInView } from "../ui/sign_in.js";
import { complain } from "../ui/toast.js";
import { Duty } from "./duty.js";

const page = document.getElementById("page");
const RETRY = 1500; // ms until the server is asked again
const ROLES = new Set(["supervisor", "approver"]); // an approver sees the sessions and watches none
let duty = null;

function leaveDuty() {
  duty?.close();
  duty = null;
}

/** @param ended what ended the sign-in, where it was not the officer's own click */
function askToSignIn(ended) {
  leaveDuty();
  const view = signInView(async (user, password) => {
    try {
      await api.signIn(user, password);
      await beginDuty().catch(signOutAndFail);
    } catch (error) {
      view.refuse(api.asProblem(error));
    }
  });
  page.replaceChildren(view.node);
  translate(document);
  if (ended) view.refuse(api.localProblem("signed_out"));
  view.focus();
}

/** Signs out a user for whom this page is not, who would otherwise stay signed in behind the refusal. */
async function signOutAndFail(error) {
  if (error.code === "not_supervisor") await api.signOut();
  throw error;
}

async function beginDuty() {
  const { who: me } = await api.me();
  if (!ROLES.has(me.role)) throw api.localProblem("not_supervisor");
  leaveDuty();
  duty = new Duty({ sessions_per_supervisor: 2, ...me }, askToSignIn);
  page.replaceChildren(duty.node);
  translate(document);
  duty.start();
}

async function begin() {
  try {
    await beginDuty();
  } catch (error) {
    if (error.status === 0 && error.code === "unreachable") return waitForServer();
    askToSignIn();
    if (error.status !== 401) complain(api.asProblem(error));
  }
}

/** Tries again later: a reload while the server restarts must not look like a lost sign-in. */
function waitForServer() {
  page.replaceChildren(el("main", { class: "sign-in" }, el("p", { role: "status", t: "link_connecting" })));
  setTimeout(begin, RETRY);
}

// The relay must notice at once that the page is left; a page kept for "back" would return with dead connections.
addEventListener("pagehide", leaveDuty);
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  complain(api.asProblem(event.reason));
});

wakeSound();
translate(document);
begin();
