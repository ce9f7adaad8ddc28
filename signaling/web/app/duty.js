/**
 * The page of a signed-in officer: joins the state, the media, the orders and the view.
 */
import * as api from "../api/rest.js";
import { LiveSocket } from "../api/socket.js";
import { AttentionCheck } from "../dispatch/attention_check.js";
import { Delivery } from "../dispatch/delivery.js";
import { Extension } from "../dispatch/extension.js";
import { FleetWatch } from "../dispatch/fleet_watch.js";
import { FollowUps } from "../dispatch/follow_ups.js";
import { Handovers } from "../dispatch/handovers.js";
import { Identities } from "../dispatch/check_in/identities.js";
import { Interventions } from "../dispatch/interventions.js";
import { obeyKeys } from "../dispatch/keyboard.js";
import { ServerMessages } from "../dispatch/messages.js";
import { Orders } from "../dispatch/orders.js";
import { PageReport } from "../dispatch/page_report.js";
import { Suspension } from "../dispatch/suspension.js";
import { WallLayout } from "../dispatch/wall_layout.js";
import { onLanguage } from "../i18n/i18n.js";
import { TalkbackPlayer } from "../media/talkback_player.js";
import { TalkbackPublisher } from "../media/talkback_publisher.js";
import { WatchedSessions } from "../media/watched_sessions.js";
import { allLeft } from "../media/whep.js";
import { DutyState } from "../state/duty.js";
import { fallingWithout, sameVisits } from "../state/leaving.js";
import { watchable } from "../state/sessions.js";
import { announceDuty, LastMinutes } from "../ui/alerts/announcements.js";
import { dutyView, roomNamesOf } from "../ui/duty.js";
import { askLeave } from "../ui/leaving.js";
import { closeSheet } from "../ui/sheet.js";
import { complain } from "../ui/toast.js";
import { buttonActions, keyActions } from "./actions.js";

const TICK = 250; // ms between steps of the countdowns
const LEVELS = 100; // ms between readings of the meters
const REFRESH = 60_000; // ms between fetches of the suspensions and follow-ups

export class Duty {
  #state;
  #socket;
  #onSignedOut;
  #watched = new WatchedSessions(() => this.#draw());
  #player = new TalkbackPlayer();
  #lastMinutes = new LastMinutes();
  #timers = [];
  #isDrawingDue = false;
  #isClosed = false;
  #stopListening = onLanguage(() => this.#draw());
  #stopKeys = () => {};

  /** @param onSignedOut called when the officer is signed out: without a value by their own click, else by the server */
  constructor(me, onSignedOut) {
    const draw = () => this.#draw();
    this.#onSignedOut = onSignedOut;
    this.#state = new DutyState(me);
    this.#socket = new LiveSocket({
      onMessage: (message) => this.messages.handle(message),
      onState: (connection) => this.#handleConnection(connection),
      onRefused: onSignedOut,
    });
    this.#createDispatch(me, draw);
    this.view = dutyView(this.#state.supervises, this.#actions(draw), this.#player.node);
    this.node = this.view.node;
  }

  #createDispatch(me, draw) {
    const socket = this.#socket;
    const state = this.#state;
    this.delivery = new Delivery(socket, draw);
    this.orders = new Orders(this.delivery);
    this.interventions = new Interventions(this.orders, me.site, draw);
    this.identities = new Identities(me.site, draw);
    this.extension = new Extension(me, this.orders, draw);
    this.suspension = new Suspension(me, draw);
    this.followUps = new FollowUps(me, draw);
    this.fleetWatch = new FleetWatch(draw);
    this.attentionCheck = new AttentionCheck((prompt) => socket.order("attentive", { prompt }));
    this.talkback = new TalkbackPublisher({ order: (type, members) => socket.order(type, members), changed: draw, complain });
    this.handovers = new Handovers({ me, places: state.places, todays: () => state.todays, changed: () => this.#handleLayout(), leave: (ids) => this.#signOut(ids) });
    this.pageReport = new PageReport({ send: (type, members) => socket.send(type, members), duty: () => state.places.duty });
    this.wallLayout = new WallLayout({
      places: state.places, sessionOf: (id) => state.sessions.get(id), roomNamesOf: (id) => roomNamesOf(state, id), changed: () => this.#handleLayout(),
    });
    this.messages = new ServerMessages(state, {
      watched: this.#watched, talkback: this.talkback, attentionCheck: this.attentionCheck, suspension: this.suspension,
      handovers: this.handovers, followUps: this.followUps, fleetWatch: this.fleetWatch,
      pageReport: this.pageReport, expectTraffic: (yes) => socket.expectTraffic(yes),
      changed: () => this.#follow(), onSignedOut: this.#onSignedOut,
    });
  }

  #actions(draw) {
    const { orders, interventions, extension, suspension, followUps, wallLayout, talkback } = this;
    return buttonActions({
      state: this.#state, watched: this.#watched, orders, interventions, extension, suspension, followUps, wallLayout, talkback, draw,
      stopColleague: ({ id }) => api.order(id, "hush", {}).catch((error) => complain(api.asProblem(error))),
      dismissOrder: (id) => this.delivery.dismiss(id),
      signOut: () => this.#signOut(),
      handOver: () => this.handovers.begin(),
      answerHandover: (id, word) => this.handovers.answer(id, word),
      loadHistory: () => this.#loadHistory(),
    });
  }

  start() {
    const state = this.#state;
    this.#socket.open();
    addEventListener("beforeunload", this.#askToStay);
    this.#timers = [
      setInterval(() => [this.suspension, this.followUps, this.fleetWatch].forEach((lists) => lists.refresh()), REFRESH),
      setInterval(() => this.#tick(), TICK),
      setInterval(() => this.view.levels(), LEVELS),
    ];
    if (state.supervises) {
      this.pageReport.start();
      const { wallLayout, view } = this;
      this.#stopKeys = obeyKeys(keyActions({ state, watched: this.#watched, wallLayout, view, draw: () => this.#draw() }));
    }
    this.#draw();
    this.view.focus();
  }

  /** Leaves everything at once; also called when the page is being closed. */
  close() {
    this.#isClosed = true;
    closeSheet();
    this.#timers.forEach(clearInterval);
    removeEventListener("beforeunload", this.#askToStay);
    this.#stopListening();
    this.#stopKeys();
    this.pageReport.close();
    this.attentionCheck.close();
    this.delivery.close();
    this.#socket.close();
    this.talkback.close();
    this.#player.follow(null);
    this.#watched.close();
    this.view.close();
  }

  /** Fetches the alerts of the day's visits with those that are done, for the history of the shift. */
  async #loadHistory() {
    const { history, todays } = this.#state;
    const begun = todays.filter(({ state }) => state !== "scheduled").map(({ id }) => id);
    history.keepWithin(begun);
    try {
      await Promise.all(begun.map(async (id) => history.record(id, (await api.alertsOf(id)).alerts)));
    } catch (error) {
      complain(api.asProblem(error));
    }
    this.#draw();
  }

  /** Signs out; asks first while visits would be held by it. `handedOver`: ids of those that a colleague has just taken
   *  over, of which the page may not have been told yet. */
  async #signOut(handedOver = []) {
    const fall = () => fallingWithout(this.#state.todays.filter(({ id }) => !handedOver.includes(id)), this.#state.me);
    const falling = fall();
    const word = falling.length ? await askLeave(falling, () => sameVisits(falling, fall())) : "leave";
    if (word === "hand_over") await this.handovers.begin(true);
    else if (word === "leave") await this.#leave();
  }

  /** Asks before the window is closed or loaded anew while visits would be held by it; the words are the browser's. */
  #askToStay = (event) => {
    if (fallingWithout(this.#state.todays, this.#state.me).length) event.preventDefault();
  };

  async #leave() {
    this.#state.places.endShift();
    this.close();
    await allLeft();
    await api.signOut().catch((error) => complain(api.asProblem(error)));
    this.#onSignedOut();
  }

  #handleConnection(connection) {
    this.#state.connection = connection;
    if (connection !== "up") this.talkback.handleSocketLost();
    this.#draw();
    // the server may refuse a socket before it opens, which the browser does not explain
    if (connection === "down") api.me().catch((error) => error.status === 401 && this.#onSignedOut(true));
  }

  /** Reports at once after the officer has changed wall or duty. */
  #handleLayout() {
    this.#follow();
    if (this.#state.supervises) this.pageReport.reportNow();
  }

  /** Brings the wall and the received media in step with the sessions. */
  #follow() {
    const state = this.#state;
    if (this.#isClosed) return; // what began now would never be left
    if (!state.hasSessions) return this.#draw(); // an empty list would end what goes on
    const { ids, taken } = state.arrange();
    announceDuty(taken, (id) => roomNamesOf(state, id));
    this.#watched.follow(ids, (id) => state.sessions.get(id)?.state === "ended");
    state.todays.forEach((session) => this.#watched.expect(session));
    this.#lastMinutes.keepWithin(ids);
    if (!ids.length) this.#socket.expectTraffic(false);
    this.#draw();
  }

  /** Draws once after all changes of this turn of the event loop. */
  #draw() {
    if (this.#isDrawingDue) return;
    this.#isDrawingDue = true;
    queueMicrotask(() => {
      this.#isDrawingDue = false;
      if (!this.#isClosed) this.#drawNow(); // drawing begins what is seen and heard
    });
  }

  #drawNow() {
    const state = this.#state;
    const session = state.chosenSession;
    if (session && watchable(session)) this.interventions.prefetch(session);
    if (state.supervises) this.identities.follow(session, state.todays);
    this.view.update({
      state, watched: this.#watched, talkback: this.talkback, suspensions: this.suspension.all, followUps: this.followUps,
      mustEnd: Boolean(session) && this.interventions.mustEnd(session),
      farewellCode: session ? this.interventions.farewellCodeOf(session) : "",
      conflicts: this.fleetWatch.conflicts, orders: this.delivery.all, handovers: this.handovers.all,
      grounds: session ? this.interventions.groundsOf(session) : [],
      notices: session ? this.interventions.noticesOf(session) : [],
      identities: session ? this.identities.of(session) : null,
      mayExtend: Boolean(session) && this.extension.mayExtend(session),
      mayRequest: Boolean(session) && this.extension.mayRequest(session),
      mayPropose: Boolean(session) && this.suspension.mayPropose(session),
    });
    this.#player.follow(state.listening.session);
    this.#tick();
  }

  #tick() {
    const state = this.#state;
    this.view.tick(state);
    this.attentionCheck.tick();
    for (const id of this.#watched.ids) {
      const session = state.sessions.get(id);
      this.#lastMinutes.tick(session, state.remaining(session));
    }
    if (state.isNextDay) this.messages.loadDay();
  }
}
