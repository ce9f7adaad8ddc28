/**
 * The page of an auditor who is signed in: leads from the address to a search, a visit, or a list, and carries out what
 * the auditor orders.
 */
import * as audit from "../api/audit.js";
import * as api from "../api/rest.js";
import { obeyKeys } from "../dispatch/keyboard.js";
import { onLanguage, t, translate } from "../i18n/i18n.js";
import { AUDIT_KEYS } from "../state/audit_keys.js";
import { partFragment, placeOf, requestOf, searchFragment } from "../state/audit_query.js";
import { dayOf, timeWithSeconds } from "../state/clock.js";
import { askReasonFor } from "../ui/audit/dialogs.js";
import { dutyListView } from "../ui/audit/duty_list.js";
import { holdListView } from "../ui/audit/hold_list.js";
import { pageView } from "../ui/audit/page.js";
import { resultsView } from "../ui/audit/results.js";
import { searchForm } from "../ui/audit/search_form.js";
import { visitView } from "../ui/audit/visit/visit.js";
import { el } from "../ui/dom.js";
import { showHelp } from "../ui/help.js";
import { announce, complain, inform } from "../ui/toast.js";

const TICK = 500; // ms
const REMEMBERED = 20; // searches whose results are shown again without asking: each search is journaled

export class Audit {
  #me;
  #view;
  #form;
  #results;
  #search;
  #visit = null;
  #list = null;
  #remembered = new Map(); // fragment to what was found
  #turn = 0; // of the place: an answer for an earlier one is not shown
  #ends = [];

  constructor(me, onSignedOut) {
    this.#me = me;
    this.onSignedOut = onSignedOut;
    this.#view = pageView(me, { onSignOut: () => this.#signOut() });
    this.#form = searchForm((query) => this.#goTo(searchFragment(query), true), () => dayOf(this.#now()));
    this.#results = resultsView(() => this.#more());
    this.#search = el("div", { class: "audit-find" }, this.#form.node, this.#results.node);
    this.node = this.#view.node;
  }

  start() {
    const move = () => this.#show();
    addEventListener("popstate", move);
    const timer = setInterval(() => this.#tick(), TICK);
    const acts = AUDIT_KEYS.map(({ act }) => [act, (key) => this.#obey(act, key)]);
    const keys = obeyKeys(Object.fromEntries(acts), AUDIT_KEYS);
    const language = onLanguage(() => this.#title());
    this.#ends = [() => removeEventListener("popstate", move), () => clearInterval(timer), keys, language];
    this.#offerPlaces();
    this.#show();
  }

  close() {
    this.#ends.forEach((end) => end());
    this.#leave();
    this.onSignedOut = null;
  }

  #now = () => api.serverNow() ?? new Date();

  #tick() {
    const now = this.#now();
    this.#view.tick(now);
    this.#visit?.tick();
  }

  #obey(name, key) {
    const act = this.#visit?.keys[name];
    return act ? act(key) : false;
  }

  /** Goes to a place, as a step that "back" takes back; the same place again asks anew. */
  #goTo(fragment, anew = false) {
    if (anew) this.#remembered.delete(fragment);
    if (location.hash.slice(1) !== fragment) history.pushState(null, "", `#${fragment}`);
    this.#show();
  }

  #leave() {
    this.#turn += 1;
    this.#visit?.close();
    this.#list?.close();
    [this.#visit, this.#list] = [null, null];
  }

  async #show() {
    const place = placeOf(location.hash);
    this.#leave();
    this.#title();
    try {
      if (place.part === "visit") await this.#showVisit(place);
      else if (place.part === "relisten") await this.#showDuties("overdue");
      else if (place.part === "holds") await this.#showHolds();
      else await this.#showSearch(place.query);
    } catch (error) {
      this.#fail(error);
    }
  }

  #title() {
    document.body.dataset.title = "audit_title";
    document.title = t("audit_title");
  }

  #fail(error) {
    if (error.status === 401) return this.onSignedOut?.();
    complain(api.asProblem(error));
  }

  // ---- search

  async #showSearch(query) {
    this.#view.show("search", this.#search);
    this.#form.write(query);
    const fragment = searchFragment(query);
    if (!fragment) return this.#results.update(null);
    const known = this.#remembered.get(fragment);
    if (known) return this.#results.update(known);
    await this.#ask(query, null);
    this.#results.focus();
  }

  async #more() {
    const query = placeOf(location.hash).query;
    const known = this.#remembered.get(searchFragment(query));
    if (known?.next) await this.#ask(query, known).catch((error) => this.#fail(error));
  }

  async #ask(query, before) {
    const turn = this.#turn;
    this.#results.waiting(true);
    try {
      const page = await audit.visits(requestOf(query, before?.next ?? null));
      const found = { query, visits: [...(before?.visits ?? []), ...page.visits], found: page.found, hasMore: page.more, next: page.next };
      this.#remember(searchFragment(query), found);
      if (turn !== this.#turn) return;
      this.#results.update(found);
      announce(t("audit_found", { count: page.found }));
    } finally {
      this.#results.waiting(false);
    }
  }

  #remember(fragment, found) {
    this.#remembered.delete(fragment);
    this.#remembered.set(fragment, found);
    while (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value);
  }

  async #offerPlaces() {
    try {
      const { terminals } = await api.terminals();
      this.#form.offer(terminals);
    } catch {
      // the fields can be filled by hand
    }
  }

  // ---- a visit

  async #showVisit({ session, at }) {
    const turn = this.#turn;
    this.#view.show("visit", el("p", { class: "audit-busy", role: "status" }, el("progress", { tLabel: "loading" }), el("span", { t: "loading" })));
    const visit = await audit.visitOf(session);
    if (turn !== this.#turn) return;
    this.#visit = visitView(visit, {
      me: this.#me, now: () => `${dayOf(this.#now())} ${timeWithSeconds(this.#now())}`, onHelp: () => showHelp(AUDIT_KEYS), onBack: () => this.#back(),
      onAdd: (mark) => this.#do(audit.addMark(session, mark), "audit_done_mark"),
      onWithdraw: (mark) => this.#withdraw(session, mark),
      onRate: (rating) => this.#do(audit.rate(session, rating), "audit_done_rate"),
      onHold: () => this.#hold(session, "hold", audit.hold),
      onLift: () => this.#hold(session, "lift", audit.liftHolds),
    });
    this.#view.show("visit", this.#visit.node);
    translate(this.#visit.node);
    this.#title();
    this.#visit.start(at);
    this.#tick();
  }

  /** Carries out an order about the visit that is shown; returns whether it was done. */
  async #do(order, done) {
    try {
      await order;
      inform(t(done));
      await this.#refresh();
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  async #refresh() {
    const { session } = placeOf(location.hash);
    const [turn, visit] = [this.#turn, await audit.visitOf(session)];
    if (turn === this.#turn) this.#visit?.update(visit);
    this.#remembered.clear(); // rows count marks and say what is due
  }

  async #withdraw(session, mark) {
    const answer = await askReasonFor("withdraw", mark.text);
    if (answer) await this.#do(audit.withdrawMark(session, mark.id, answer.reason), "audit_done_withdraw");
  }

  async #hold(session, kind, order) {
    const answer = await askReasonFor(kind, session);
    if (answer) await this.#do(order(session, answer.reason), `audit_done_${kind}`);
  }

  #back() {
    if (document.fullscreenElement) return document.exitFullscreen();
    if (history.length > 1) history.back();
    else this.#goTo(partFragment("search"));
  }

  // ---- lists

  async #showDuties(state) {
    const turn = this.#turn;
    const { duties } = await audit.relisten(state);
    if (turn !== this.#turn) return;
    this.#list ??= dutyListView((next) => this.#showDuties(next).catch((error) => this.#fail(error)));
    this.#list.update(state, duties);
    this.#view.show("relisten", this.#list.node);
  }

  async #showHolds() {
    const turn = this.#turn;
    const { holds } = await audit.standingHolds();
    if (turn !== this.#turn) return;
    this.#list = holdListView();
    this.#list.update(holds);
    this.#view.show("holds", this.#list.node);
  }

  async #signOut() {
    await api.signOut().catch(() => {});
    this.onSignedOut?.();
  }
}
