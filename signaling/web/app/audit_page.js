/**
 * The page of an auditor who is signed in: leads from the address to a search, a visit, or a list, and carries out what
 * the auditor orders.
 */
import * as audit from "../api/audit.js";
import * as api from "../api/rest.js";
import { obeyKeys } from "../dispatch/keyboard.js";
import { onLanguage, t, translate } from "../i18n/i18n.js";
import { AUDIT_KEYS } from "../state/audit_keys.js";
import { partFragment, placeOf } from "../state/audit_query.js";
import { dayOf, timeWithSeconds } from "../state/clock.js";
import { askAbout, askReasonFor } from "../ui/audit/dialogs.js";
import { failureView } from "../ui/audit/failure.js";
import { PARTS, pageView } from "../ui/audit/page.js";
import { visitView } from "../ui/audit/visit/visit.js";
import { el } from "../ui/dom.js";
import { showHelp } from "../ui/help.js";
import { complain, inform } from "../ui/toast.js";
import { SearchPart } from "./audit_parts/search.js";
import { ExportsPart } from "./audit_parts/exports.js";
import { LedgerPart } from "./audit_parts/ledger.js";
import { DutiesPart, HoldsPart } from "./audit_parts/lists.js";
import { PurgePart } from "./audit_parts/purge.js";
import { countSecondWords } from "./audit_parts/second_words.js";

const TICK = 500; // ms

export class Audit {
  #me;
  #view;
  #search;
  #visit = null;
  #list = null;
  #turn = 0; // of the place: an answer for an earlier one is not shown
  #waiting = null;
  #failure = failureView();
  #exportsFailure = failureView(); // in a visit
  #ends = [];

  constructor(me, onSignedOut) {
    this.#me = me;
    this.onSignedOut = onSignedOut;
    this.#view = pageView(me, { onSignOut: () => this.#signOut() });
    this.#search = new SearchPart({ onGo: (fragment) => this.#goTo(fragment), onFail: (error) => this.#fail(error), now: () => this.#now() });
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
    this.#waiting = this.#me.role === "auditor" ? countSecondWords(this.#me.id, this.#view.count) : null;
    this.#ends.push(() => this.#waiting?.close());
    if (PARTS[this.#me.role].includes("search")) this.#search.offerPlaces(this.#me.role);
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

  /** Goes to a place, as a step that "back" takes back. */
  #goTo(fragment) {
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
    const place = this.#place();
    this.#leave();
    const turn = this.#turn;
    this.#title();
    this.#waiting?.look();
    try {
      if (place.part === "visit") await this.#showVisit(place);
      else if (place.part === "relisten") await this.#showPart("relisten", new DutiesPart((error) => this.#fail(error)));
      else if (place.part === "holds") await this.#showPart("holds", new HoldsPart());
      else if (place.part === "exports") await this.#showExports();
      else if (place.part === "ledger") await this.#showPart("ledger", new LedgerPart(this.#me, dayOf(this.#now())));
      else if (place.part === "purge") await this.#showPart("purge", new PurgePart());
      else await this.#showSearch(place.query);
    } catch (error) {
      if (error.status === 401) this.#fail(error);
      else if (turn === this.#turn) this.#tell(place.part, error);
    }
  }

  /** The place that the address names; the first part of the role where it names one of others. */
  #place() {
    const [place, parts] = [placeOf(location.hash), PARTS[this.#me.role]];
    return parts.includes(place.part === "visit" ? "search" : place.part) ? place : { ...place, part: parts[0] };
  }

  #title() {
    document.body.dataset.title = "audit_title";
    document.title = t("audit_title");
  }

  #fail(error) {
    if (error.status === 401) return this.onSignedOut?.(true);
    complain(api.asProblem(error));
  }

  /** Says in the place of a part why it cannot be shown, and offers to try it again. */
  #tell(part, error) {
    this.#view.show(part, this.#failure.node);
    this.#failure.tell(api.asProblem(error), () => this.#show().then(() => this.#view.keepFocus()));
  }

  async #showSearch(query) {
    const turn = this.#turn;
    this.#view.show("search", this.#search.node);
    await this.#search.show(query, () => turn === this.#turn);
  }

  // ---- a visit

  async #showVisit({ session, at }) {
    const turn = this.#turn;
    this.#view.show("visit", el("p", { class: "audit-busy", role: "status" }, el("progress", { tLabel: "loading" }), el("span", { t: "loading" })));
    const visit = await this.#opened(session);
    if (turn !== this.#turn) return;
    if (!visit) return this.#back();
    this.#visit = visitView(visit, {
      me: this.#me, now: () => `${dayOf(this.#now())} ${timeWithSeconds(this.#now())}`, onHelp: () => showHelp(AUDIT_KEYS), onBack: () => this.#back(),
      onAdd: (mark) => this.#do(audit.addMark(session, mark), "audit_done_mark"),
      onWithdraw: (mark) => this.#withdraw(session, mark),
      onRate: (rating) => this.#do(audit.rate(session, rating), "audit_done_rate"),
      onHold: () => this.#hold(visit, "hold", audit.hold),
      onLift: () => this.#hold(visit, "lift", audit.liftHolds),
      onEnd: () => audit.endInspection(visit, this.#me.id).then(() => this.#goTo(partFragment("search")), (error) => this.#fail(error)),
      exportsOpened: () => this.#openExports(session),
    });
    this.#view.show("visit", this.#visit.node);
    translate(this.#visit.node);
    this.#title();
    this.#visit.start(at);
    this.#tick();
  }

  /** Reads a visit; a procurator is asked for the reason of the inspection first. @returns null where there is none */
  async #opened(session) {
    try {
      return await audit.visitOf(session);
    } catch (error) {
      if (error.code !== "inspection_needed") throw error;
    }
    const row = this.#search.rowOf(session); // none where the address was typed
    const answer = await (row ? askAbout("inspect", row) : askReasonFor("inspect", session));
    if (!answer) return null;
    await audit.inspect(session, answer.reason);
    return audit.visitOf(session);
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
    this.#search.forget(); // rows count marks and say what is due
  }

  async #withdraw(session, mark) {
    const answer = await askReasonFor("withdraw", mark.text);
    if (answer) await this.#do(audit.withdrawMark(session, mark.id, answer.reason), "audit_done_withdraw");
  }

  async #hold(visit, kind, order) {
    const answer = await askAbout(kind, visit);
    if (answer) await this.#do(order(visit.session, answer.reason), `audit_done_${kind}`);
  }

  #back() {
    if (document.fullscreenElement) return document.exitFullscreen();
    if (history.length > 1) history.back();
    else this.#goTo(partFragment("search"));
  }

  // ---- lists

  async #showExports() {
    this.#list = new ExportsPart(this.#me, null, () => this.#waiting?.look());
    this.#view.show("exports", el("section", { class: "audit-list" }, el("h1", { t: "audit_part_exports" }), this.#list.node));
    await this.#list.start();
  }

  #openExports(session) {
    const [part, failure] = [new ExportsPart(this.#me, session, () => this.#waiting?.look()), this.#exportsFailure];
    const isShown = () => this.#list === part;
    const fail = (error) => (error.status === 401 ? this.#fail(error) : failure.tell(api.asProblem(error), begin));
    const begin = () => part.start().then(() => isShown() && failure.clear(), (error) => isShown() && fail(error)); // not in the next visit
    this.#list = part;
    failure.clear();
    begin();
    return el("div", {}, failure.node, part.node);
  }

  async #showPart(name, part) {
    this.#list = part;
    this.#view.show(name, part.node);
    translate(part.node);
    this.#title();
    await part.start();
  }

  async #signOut() {
    await api.signOut().catch(() => {});
    this.onSignedOut?.();
  }
}
