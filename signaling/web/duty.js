/**
 * The page of a signed-in supervisor: joins what is known, what is watched and what is shown.
 */
import { Acting } from "./acting.js";
import * as api from "./api.js";
import { announceChange, announceDuty, LastMinutes } from "./announce.js";
import { Attention } from "./attention.js";
import { dayOf, remainingMs, ServerClock } from "./clock.js";
import { el, mark } from "./dom.js";
import { Extending } from "./extending.js";
import { onLanguage } from "./i18n.js";
import { obeyKeys } from "./keys.js";
import { Orders } from "./orders.js";
import { LAYOUTS, Places } from "./places.js";
import { Placing } from "./placing.js";
import { Presence } from "./presence.js";
import { SIDES, Sessions, sidesOf, watchable } from "./sessions.js";
import { LiveSocket } from "./socket.js";
import { Suspending } from "./suspending.js";
import { Listening } from "./sound.js";
import { alarmView } from "./view/alarm.js";
import { alertsView } from "./view/alerts.js";
import { deskView } from "./view/desk.js";
import { onAirView } from "./view/speak.js";
import { roomsOf } from "./view/facts.js";
import { headerView } from "./view/header.js";
import { showHelp } from "./view/help.js";
import { listView } from "./view/list.js";
import { standingChip } from "./view/standing.js";
import { suspensionsView } from "./view/suspend.js";
import { complain } from "./view/toast.js";
import { wallView } from "./view/wall.js";
import { Ear, Voice } from "./voice.js";
import { Watching } from "./watching.js";

const TICK = 250;
const LEVELS = 100;
const REFRESH = 60_000;

/** In place of the wall, for whoever only approves. */
const notWatching = () => el("main", { class: "not-watching" }, el("p", { t: "approver_watches_nothing" }));

export class Duty {
  #me;
  #sessions = new Sessions();
  #clock = new ServerClock();
  #listening = new Listening();
  #lastMinutes = new LastMinutes();
  #upstream = new Map(); // session id -> the server's last word on what its rooms send and who receives it
  #connection = "connecting";
  #loaded = false;
  #heard = false; // of sessions, by the socket or the day's list
  #chosen = null;
  #zoom = null; // {id, side: "prison" | "visitor" | null for both}
  #day = "";
  #timers = [];
  #due = false;
  #standing = null; // the server's last word on where the person counts
  #stopListening;
  #endKeys = () => {};
  #onSignedOut;
  #ear = new Ear();

  constructor(me, onSignedOut) {
    this.#me = me.role === "supervisor" ? me : { ...me, sessions_per_supervisor: 0 };
    this.extending = new Extending(me, () => this.#draw());
    this.suspending = new Suspending(me, () => this.#draw());
    this.#onSignedOut = onSignedOut;
    this.places = new Places(me);
    this.placing = new Placing({ places: this.places, roomsOf: (id) => this.#roomsOf(id), changed: () => this.#rearrange() });
    this.watching = new Watching(() => this.#draw());
    this.socket = new LiveSocket({
      onMessage: (message) => this.#hear(message),
      onState: (state) => this.#connected(state),
      onRefused: () => this.#onSignedOut(),
    });
    this.presence = new Presence({
      tell: (type, what) => this.socket.tell(type, what),
      duty: () => this.places.duty,
    });
    this.attention = new Attention((prompt) => this.socket.order("attentive", { prompt }));
    this.voice = new Voice({
      order: (type, what) => this.socket.order(type, what), changed: () => this.#draw(), complain,
    });
    this.#buildViews(new Orders(this.socket));
    this.#stopListening = onLanguage(() => this.#draw());
  }

  #buildViews(orders) {
    const chosen = () => this.#sessions.get(this.#chosen);
    const acting = this.acting = new Acting(orders);
    this.header = headerView(() => this.#signOut());
    this.list = listView((id) => this.#choose(id));
    this.wall = wallView({
      onChoose: (id) => this.#choose(id),
      onSound: (id, side) => { this.#listening.toggle(id, side); this.#choose(id); },
      onRetry: (id, side) => this.watching.get(id, side)?.retry(),
      onDuty: (id) => { this.#choose(id); this.placing.toggle(id); },
      onZoom: (id, side) => this.#zoomTo(id, side),
      onLayout: (size) => this.placing.resize(size),
      onHelp: showHelp,
    });
    this.desk = deskView({
      onHold: () => orders.withArticle("hold", chosen()),
      onEnd: () => orders.withArticle("end", chosen()),
      onResume: () => orders.resume(chosen()),
      onWatch: () => this.placing.watch(this.#chosen),
      onTick: (side, person, tick, on) => orders.tick(chosen(), side, person, tick, on),
      onSeat: (side, ready) => orders.seat(chosen(), side, ready),
      onAbsent: (side, person) => orders.absent(chosen(), side, person),
      onEquipment: (side, passed) => orders.equipment(chosen(), side, passed),
      onWarn: () => acting.warn(chosen()),
      onMute: (side) => acting.mute(chosen(), side),
      onStop: () => this.#stopChosen(),
      onRemark: (text) => acting.remark(chosen(), text),
      onSpeak: (sides, article) => this.voice.speak(this.#chosen, sides, article),
      onHush: () => this.#hush(chosen()),
      onExtend: () => this.extending.extend(chosen()),
      onPropose: () => this.suspending.propose(chosen()),
    });
    this.suspensions = suspensionsView({ onDecide: (proposal) => this.suspending.decide(proposal) });
    this.list.node.append(this.suspensions.node);
    this.alarm = alarmView();
    this.alerts = alertsView({
      onTake: (session, alert) => orders.tell("take_alert", session, { alert }),
      onFinish: (session, alert) => orders.tell("finish_alert", session, { alert }),
      onChoose: (id) => this.#choose(id),
    });
    this.onAir = onAirView(() => this.voice.hush());
    this.standing = standingChip();
    this.header.node.querySelector(".spring").after(this.standing.node);
    this.node = el("div", { class: "duty" }, this.header.node, el("div", {}, this.alarm.node, this.alerts.node),
      el("div", { class: "columns" }, this.list.node, this.#acts ? this.wall.node : notWatching(), this.desk.node),
      this.onAir.node, this.#ear.node);
  }

  start() {
    this.socket.open();
    if (this.#acts) this.presence.start();
    this.#timers = [setInterval(() => this.suspending.refresh(), REFRESH), setInterval(() => this.#tick(), TICK), setInterval(() => this.wall.levels(), LEVELS)];
    if (this.#acts) this.#endKeys = obeyKeys(this.#keyActs());
    this.#draw();
  }

  /** Whether the person supervises; whoever only approves neither watches nor steps in. */
  get #acts() {
    return this.#me.role === "supervisor";
  }

  /** What keys do that no button of the chosen session does. */
  #keyActs() {
    const watched = (act) => () => (this.watching.has(this.#chosen) ? act(this.#chosen) : false);
    const choose = (id) => {
      if (!id) return false;
      this.#choose(id);
      if (this.#zoom) this.#zoom = { id, side: this.#zoom.side };
      this.wall.focus(id);
    };
    return {
      move: (key) => choose(this.wall.beside(this.#chosen, key)),
      number: (key) => choose(this.wall.numbered(Number(key))),
      zoom: watched((id) => this.#zoomTo(id, null)),
      zoomPrison: watched((id) => this.#zoomTo(id, SIDES[0])),
      zoomVisitor: watched((id) => this.#zoomTo(id, SIDES[1])),
      back: () => (this.#zoom ? this.#zoomTo(this.#zoom.id, this.#zoom.side) : false),
      sound: watched((id) => { this.#listening.toggle(id, "both"); this.#draw(); }),
      duty: watched((id) => this.placing.toggle(id)),
      layout: () => this.placing.resize(LAYOUTS[(LAYOUTS.indexOf(this.places.size) + 1) % LAYOUTS.length]),
      note: () => this.desk.focusNote(),
      help: showHelp,
    };
  }

  /** Shows one session, or one side of it, in full; the same again shows the wall. */
  #zoomTo(id, side) {
    const same = this.#zoom?.id === id && this.#zoom.side === side;
    this.#zoom = same ? null : { id, side };
    this.#choose(id);
  }

  /** The stop of the chosen session, by button or key. */
  #stopChosen() {
    const session = this.#sessions.get(this.#chosen);
    if (this.#acts && session && watchable(session) && sidesOf(session, this.#me.site).length) this.acting.stop(session);
  }

  /** Leaves everything at once; also called when the page goes away. */
  stop() {
    this.#timers.forEach(clearInterval);
    this.#stopListening();
    this.#endKeys();
    this.presence.stop();
    this.attention.close();
    this.socket.close();
    this.voice.close();
    this.onAir.close();
    this.#ear.follow(null);
    this.watching.leaveAll();
    this.wall.close();
    this.alerts.close();
  }

  #hear(message) {
    if (message.type === "welcome") this.#clock.hear(message.server_time);
    else if (message.type === "sessions") this.#learnAll(message.sessions);
    else if (message.type === "session") this.#learn(message.session);
    else if (message.type === "quality") this.#upstream.set(message.session, message);
    else if (message.type === "attention") this.attention.ask(message);
    else if (message.type === "standing") this.#stand(message);
    else if (message.type === "error") complain(new api.Problem(message.problem));
    if (message.type === "welcome") this.#loadDay();
    if (message.type === "welcome") this.suspending.refresh();
    if (message.type === "welcome") {
      if (this.#acts) this.presence.now();
      this.#stand({ sessions: [], prompt: null }); // whatever still holds is said anew
    }
    if (message.type === "quality") this.socket.expectTraffic(this.watching.has(message.session));
    this.#follow();
  }

  #learnAll(views) {
    this.#heard = true;
    views.forEach((view) => this.#learn(view));
  }

  #learn(view) {
    const before = this.#sessions.get(view.id);
    this.#sessions.hear(view);
    this.voice.hear(view, this.#me.id);
    if (before && (this.watching.has(view.id) || view.id === this.#chosen)) announceChange(before, view);
  }

  #stand(message) {
    this.#standing = message;
    this.attention.keep(message.prompt);
  }

  async #loadDay() {
    const now = this.#clock.now();
    const askedAt = performance.now();
    this.#day = dayOf(now);
    try {
      const { sessions } = await api.sessionsOf(this.#day);
      this.#sessions.hearDay(sessions, askedAt);
      this.#loaded = this.#heard = true;
      this.#follow();
    } catch (error) {
      if (error.status === 401) this.#onSignedOut();
      else complain(api.asProblem(error));
    }
  }

  /** The day's sessions that concern my site; an admin's or a wrong list shows nothing else. */
  #mine() {
    return this.#sessions.ofDay(this.#day).filter((session) => sidesOf(session, this.#me.site).length > 0);
  }

  /** Brings the watched sides in step with what is going on. */
  #follow() {
    if (!this.#heard) return this.#draw(); // nothing is over because nothing is known yet
    const sessions = this.#mine();
    const before = this.places.duty;
    const ids = this.#acts ? this.places.follow(sessions, this.#loaded) : [];
    announceDuty(before, this.places.duty, (id) => this.#roomsOf(id));
    const wasChosen = this.#sessions.get(this.#chosen);
    this.watching.follow(ids, (id) => this.#sessions.get(id)?.state === "ended");
    sessions.forEach((session) => this.watching.expect(session));
    this.#listening.keepWithin(ids);
    this.#lastMinutes.keepWithin(ids);
    for (const id of this.#upstream.keys()) if (!ids.includes(id)) this.#upstream.delete(id);
    if (!ids.length) this.socket.expectTraffic(false);
    if (!wasChosen) this.#chosen = ids[0] ?? null;
    if (this.#zoom && !ids.includes(this.#zoom.id)) this.#zoom = null;
    this.#draw();
  }

  #choose(id) {
    this.#chosen = id;
    this.#draw();
  }

  /** Ends my own speech, or a colleague's. */
  async #hush(session) {
    if (this.voice.busy) return this.voice.hush();
    await api.order(session.id, "hush", {}).catch((error) => complain(api.asProblem(error)));
  }

  /** After the person's own word on the wall or the duty: the server hears of it at once. */
  #rearrange() {
    this.#follow();
    if (this.#acts) this.presence.now();
  }

  #connected(state) {
    this.#connection = state;
    if (state !== "up") this.voice.lost();
    this.#draw();
    // the socket may be refused before it opens, which the browser does not explain
    if (state === "down") api.me().catch((error) => error.status === 401 && this.#onSignedOut());
  }

  async #signOut() {
    this.stop();
    await api.signOut().catch((error) => complain(api.asProblem(error)));
    this.#onSignedOut();
  }

  #draw() {
    if (this.#due) return;
    this.#due = true; // many changes in one turn make one drawing
    queueMicrotask(() => {
      this.#due = false;
      this.#drawNow();
    });
  }

  #drawNow() {
    mark(this.node, "size", this.places.size);
    mark(this.node, "link", this.#loaded ? this.#connection : "up");
    const sessions = this.#mine();
    const session = this.#sessions.get(this.#chosen);
    const watched = this.watching.ids;
    this.header.update({ me: this.#me, siteName: this.#siteName(sessions), connection: this.#connection });
    this.standing.update(this.#standing, { roomsOf: (id) => this.#roomsOf(id), isDuty: this.places.isDuty });
    this.alarm.update(sessions);
    this.alerts.update(this.#acts ? sessions : []);
    this.suspensions.update(this.suspending.all);
    this.list.update({ sessions, chosen: this.#chosen, watched, duty: this.places.duty, loaded: this.#loaded });
    this.wall.update({
      sessions: sessions.filter(({ id, state }) => watched.includes(id) || (id === this.#chosen && state === "ended")),
      next: sessions.find(({ state }) => state === "scheduled"), chosen: this.#chosen,
      isStale: this.#loaded && this.#connection !== "up",
      watching: this.watching, listening: this.#listening, upstream: this.#upstream,
      places: this.places, zoom: this.#zoom, standing: this.#standing,
    });
    if (session && watchable(session)) this.acting.foresee(session);
    this.desk.update({
      session, site: this.#acts ? this.#me.site : null, acts: this.#acts, isWatched: this.watching.has(this.#chosen),
      received: (side) => this.watching.get(this.#chosen, side)?.rates ?? null, upstream: this.#upstream.get(this.#chosen),
      voice: this.voice, me: this.#me.id, grounds: session ? this.acting.known(session, () => this.#draw()) : [],
      mayExtend: Boolean(session) && this.extending.may(session),
      mayPropose: Boolean(session) && this.suspending.mayPropose(session),
    });
    this.onAir.update(this.voice, this.#sessions.get(this.voice.session));
    this.#ear.follow(this.#listening.session);
    this.#tick();
  }

  #roomsOf(id) {
    const session = this.#sessions.get(id);
    return session ? roomsOf(session).join(" ⇄ ") : id;
  }

  #siteName(sessions) {
    const session = sessions[0];
    const side = session && sidesOf(session, this.#me.site)[0];
    return this.#me.site_name ?? (side ? session.sides[side].site_name : this.#me.site);
  }

  #tick() {
    const now = performance.now();
    const left = (session) => remainingMs(session, this.#sessions.heardAt(session.id), now);
    this.header.tick(this.#clock.now());
    this.alerts.tick(this.#clock.now());
    this.attention.tick();
    this.wall.tick(left);
    const session = this.#sessions.get(this.#chosen);
    if (session) this.desk.tick(left(session), session);
    this.watching.ids.forEach((id) => this.#lastMinutes.tick(this.#sessions.get(id), left(this.#sessions.get(id))));
    const today = this.#clock.now();
    if (today && this.#day && dayOf(today) !== this.#day) this.#loadDay();
  }
}
