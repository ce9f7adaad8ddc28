/**
 * The supervisors' page: decides between signing in and being on duty.
 */
import * as api from "./api.js";
import { el } from "./dom.js";
import { Duty } from "./duty.js";
import { translate } from "./i18n.js";
import { wakeSound } from "./sound.js";
import { signInView } from "./view/signin.js";
import { complain } from "./view/toast.js";

const page = document.getElementById("page");
const RETRY = 1500;
const ON_DUTY = new Set(["supervisor", "approver"]); // an approver sees the sessions, and watches none
let duty = null;

function leaveDuty() {
  duty?.stop();
  duty = null;
}

function askToSignIn() {
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
  view.focus();
}

/** Whoever this page is not for must not stay signed in behind it. */
async function signOutAndFail(error) {
  if (error.code === "not_supervisor") await api.signOut();
  throw error;
}

async function beginDuty() {
  const { who: me } = await api.me();
  if (!ON_DUTY.has(me.role)) throw api.localProblem("not_supervisor");
  leaveDuty();
  duty = new Duty({ sessions_per_supervisor: 2, ...me }, askToSignIn);
  page.replaceChildren(duty.node);
  translate(document);
  duty.start();
  duty.wall.node.focus({ preventScroll: true });
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

/** A reload while the server restarts must not look like a lost sign-in. */
function waitForServer() {
  page.replaceChildren(el("main", { class: "sign-in" }, el("p", { role: "status", t: "link_connecting" })));
  setTimeout(begin, RETRY);
}

// Leaving must be felt by the relay at once; a page kept for "back" would come back half dead.
addEventListener("pagehide", leaveDuty);
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  complain(api.asProblem(event.reason));
});

wakeSound();
translate(document);
begin();
