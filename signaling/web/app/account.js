/**
 * Entry of the page of the own account: second factors, password, and where the officer is signed in. It is the one page
 * that is open to an officer who has yet to set up a second factor.
 */
import * as account from "../api/account.js";
import * as api from "../api/rest.js";
import { createKey, hasKeys, useKey } from "../api/security_key.js";
import { onLanguage, t, translate } from "../i18n/i18n.js";
import { enrolView, factorsView, recoveryView } from "../ui/account/factors.js";
import { identityView } from "../ui/account/identity.js";
import { passwordView } from "../ui/account/password.js";
import { askProof } from "../ui/account/proof.js";
import { sessionsView } from "../ui/account/sessions.js";
import { el } from "../ui/dom.js";
import { languageButton } from "../ui/header.js";
import { signInView } from "../ui/sign_in.js";
import { complain, inform } from "../ui/toast.js";

const page = document.getElementById("page");
const HOMES = { auditor: "/audit", admin: "/admin", clerk: "/account" };
let stopListening = () => {};

/** The page of an officer who is signed in. */
class Account {
  #me;
  #factors = factorsView({
    onAddApp: () => this.#try(() => this.#addApp()),
    onAddKey: () => this.#try(() => this.#addKey()),
    onRemove: (factor) => this.#try(() => this.#remove(factor)),
    onRenew: () => this.#try(() => this.#renew()),
  });
  #sessions = sessionsView({
    onEnd: ({ id }) => this.#try(async () => { await account.endSession(id); await this.refresh(); }),
    onEndOthers: () => this.#try(async () => { await account.endOthers(); await this.refresh(); }),
  });
  #identity = identityView({
    onLink: () => this.#try(() => this.#link()),
    onUnlink: () => this.#try(() => this.#unlink()),
  });
  #place = el("div");
  #listed = null;

  constructor(me, onSignedOut) {
    this.#me = me;
    this.onSignedOut = onSignedOut;
    const sections = me.must_enrol ? [] : [passwordView((present, next) => this.#changePassword(present, next)), this.#identity.node, this.#sessions.node];
    this.node = el("div", {},
      el("header", { class: "top" },
        el("a", { class: "brand", href: me.must_enrol ? "/account" : HOMES[me.role] ?? "/monitor", t: "title" }), el("span", { class: "spring" }),
        el("span", { class: "user" }, me.name), languageButton(),
        el("button", { type: "button", class: "quiet-button", t: "sign_out", on: { click: () => this.#signOut() } })),
      el("main", { class: "account" },
        el("h1", { t: "account" }), ...(me.must_enrol ? [el("p", { class: "notice", t: "enrol_needed" })] : []),
        this.#place, this.#factors.node, ...sections));
  }

  async refresh() {
    this.#listed = await account.factors();
    this.#factors.update(this.#listed);
    if (this.#me.must_enrol) return;
    this.#sessions.update((await account.sessions()).sessions);
    this.#identity.update(await account.identity());
  }

  /** Shows a panel above the sections, or none. */
  #show(view = null) {
    this.#place.replaceChildren(...(view ? [view.node] : []));
    translate(document);
    view?.focus();
  }

  async #addApp() {
    const shown = this.#me.must_enrol ? {} : await this.#proof("factor_add_app", true);
    if (shown === null) return;
    const begun = await account.beginTotp(shown);
    const view = enrolView(begun, {
      onCancel: () => this.#show(),
      onConfirm: async (name, code) => {
        try {
          const added = await account.confirmTotp({ state: begun.state, name, code });
          await this.#added(added);
        } catch (error) {
          view.refuse(api.asProblem(error));
        }
      },
    });
    this.#show(view);
  }

  async #addKey() {
    const shown = this.#me.must_enrol ? {} : await this.#proof("factor_add_key", true);
    if (shown === null) return;
    const answer = await createKey(await account.beginKey(shown));
    await this.#added(await account.confirmKey({ ...answer, name: t("factor_webauthn") }));
  }

  async #added({ recovery_codes: codes }) {
    inform(t("factor_added"));
    if (codes) return this.#showCodes(codes);
    this.#show();
    await this.refresh();
  }

  /** Shows new recovery codes. After the first factor the page begins anew: all of it is open then. */
  #showCodes(codes) {
    this.#show(recoveryView(codes, this.#me.name, async () => {
      if (this.#me.must_enrol) return location.reload();
      this.#show();
      await this.refresh();
    }));
  }

  async #remove(factor) {
    const shown = await this.#proof("factor_remove", false);
    if (shown === null) return;
    await account.removeFactor(factor.id, shown.proof);
    await this.refresh();
  }

  async #renew() {
    const shown = await this.#proof("recovery_renew", false);
    if (shown === null) return;
    this.#showCodes((await account.renewCodes(shown.proof)).codes);
  }

  async #link() {
    const shown = await this.#proof("identity_link", true);
    if (shown !== null) location.assign((await account.beginLink(shown)).address);
  }

  async #unlink() {
    const shown = await askProof({ title: t("identity_unlink"), password: true, factor: false, key: null });
    if (shown === null) return;
    await account.unlink(shown.password);
    await this.refresh();
  }

  #proof(title, password) {
    const { factors } = this.#listed;
    const key = hasKeys() && factors.some(({ kind }) => kind === "webauthn") ? async () => useKey(await account.keyChallenge()) : null;
    return askProof({ title: t(title), password, factor: factors.length > 0, key });
  }

  async #changePassword(present, next) {
    try {
      await account.changePassword(present, next);
    } catch (error) {
      throw api.asProblem(error);
    }
    this.onSignedOut();
    inform(t("password_changed"));
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      if (error.status === 401) return this.onSignedOut(true);
      complain(api.asProblem(error));
    }
  }

  async #signOut() {
    await api.signOut().catch(() => {});
    this.onSignedOut();
  }
}

/** @param ended whether the server has ended the sign-in; not by the officer's own click */
function askToSignIn(ended = false) {
  stopListening();
  const view = signInView(async (user, password) => {
    try {
      await api.signIn(user, password);
      await beginAccount();
    } catch (error) {
      view.refuse(api.asProblem(error));
    }
  });
  page.replaceChildren(view.node);
  translate(document);
  if (ended) view.refuse(api.localProblem("signed_out"));
  view.focus();
  return view;
}

async function beginAccount() {
  const { who: me } = await api.me();
  const running = new Account(me, askToSignIn);
  await running.refresh();
  stopListening();
  stopListening = onLanguage(() => running.refresh().catch((error) => complain(api.asProblem(error))));
  page.replaceChildren(running.node);
  translate(document);
}

async function begin() {
  const { factor, methods, identity } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  history.replaceState(null, "", location.pathname);
  if (factor) return askToSignIn().refuse({ code: "second_factor_needed", document: { ticket: factor, methods: methods.split(",") } });
  try {
    await beginAccount();
  } catch (error) {
    const view = askToSignIn();
    if (identity && identity !== "linked") view.refuse(api.localProblem("identity", identity));
    else if (error.status !== 401) complain(api.asProblem(error));
    return;
  }
  if (identity === "linked") inform(t("identity_done"));
  else if (identity) complain(api.localProblem("identity", identity));
}

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  complain(api.asProblem(event.reason));
});

translate(document);
begin();
