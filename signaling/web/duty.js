/**
 * The page of a signed-in supervisor: joins what is known, what is watched and what is shown.
 */
import { Acting, onStopKey } from "./acting.js";
import * as api from "./api.js";
import { announceChange, LastMinutes } from "./announce.js";
import { Attention } from "./attention.js";
import { dayOf, remainingMs, ServerClock } from "./clock.js";
import { el, mark } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Orders } from "./orders.js";
import { Presence } from "./presence.js";
import { Sessions, sidesOf, toWatch, watchable } from "./sessions.js";
import { LiveSocket } from "./socket.js";
import { Listening } from "./sound.js";
import { alarmView } from "./view/alarm.js";
import { deskView } from "./view/desk.js";
import { onAirView } from "./view/speak.js";
import { askPlain } from "./view/dialog.js";
import { roomsOf } from "./view/facts.js";
import { headerView } from "./view/header.js";
import { listView } from "./view/list.js";
import { standingChip } from "./view/standing.js";
import { complain } from "./view/toast.js";
import { wallView } from "./view/wall.js";
import { Ear, Voice } from "./voice.js";
import { Watching } from "./watching.js";

const TICK = 250;
const LEVELS = 100;

export class Duty {
  #me;
  #sessions = new Sessions();
  #clock = new ServerClock();
  #listening = new Listening();
  #lastMinutes = new LastMinutes();
  #upstream = new Map(); // session id -> quality of what its rooms send
  #connection = "connecting";
  #loaded = false;
  #chosen = null;
  #byHand = []; // ids that the person chose to watch, latest first
  #day = "";
  #timers = [];
  #due = false;
  #standing = null; // the server's last word on where the person counts
  #stopListening;
  #endStopKey = () => {};
  #onSignedOut;
  #ear = new Ear();

  constructor(me, onSignedOut) {
    this.#me = me;
    this.#onSignedOut = onSignedOut;
    this.watching = new Watching(() => this.#draw());
    this.socket = new LiveSocket({
      onMessage: (message) => this.#hear(message),
      onState: (state) => this.#connected(state),
      onRefused: () => this.#onSignedOut(),
    });
    this.presence = new Presence({
      tell: (type, what) => this.socket.tell(type, what),
      duty: () => this.watching.ids.slice(0, this.#me.sessions_per_supervisor),
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
    });
    this.desk = deskView({
      onHold: () => orders.withArticle("hold", chosen()),
      onEnd: () => orders.withArticle("end", chosen()),
      onResume: () => orders.resume(chosen()),
      onWatch: () => this.#watchByHand(chosen()),
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
    });
    this.alarm = alarmView();
    this.onAir = onAirView(() => this.voice.hush());
    this.standing = standingChip();
    this.header.node.querySelector(".spring").after(this.standing.node);
    this.node = el("div", { class: "duty" }, this.header.node, this.alarm.node,
      el("div", { class: "columns" }, this.list.node, this.wall.node, this.desk.node),
      this.onAir.node, this.#ear.node);
  }

  start() {
    this.socket.open();
    this.presence.start();
    this.#timers = [setInterval(() => this.#tick(), TICK), setInterval(() => this.wall.levels(), LEVELS)];
    this.#endStopKey = onStopKey(() => this.#stopChosen());
    this.#draw();
  }

  /** The stop of the chosen session, by button or key. */
  #stopChosen() {
    const session = this.#sessions.get(this.#chosen);
    if (session && watchable(session) && sidesOf(session, this.#me.site).length) this.acting.stop(session);
  }

  /** Leaves everything at once; also called when the page goes away. */
  stop() {
    this.#timers.forEach(clearInterval);
    this.#stopListening();
    this.#endStopKey();
    this.presence.stop();
    this.attention.close();
    this.socket.close();
    this.voice.close();
    this.onAir.close();
    this.#ear.follow(null);
    this.watching.leaveAll();
    this.wall.close();
  }

  #hear(message) {
    if (message.type === "welcome") this.#clock.hear(message.server_time);
    else if (message.type === "sessions") message.sessions.forEach((view) => this.#learn(view));
    else if (message.type === "session") this.#learn(message.session);
    else if (message.type === "quality") this.#upstream.set(message.session, message.sides);
    else if (message.type === "attention") this.attention.ask(message);
    else if (message.type === "standing") this.#stand(message);
    else if (message.type === "error") complain(new api.Problem(message.problem));
    if (message.type === "welcome") this.#loadDay();
    if (message.type === "welcome") {
      this.presence.now();
      this.#stand({ sessions: [], prompt: null }); // whatever still holds is said anew
    }
    if (message.type === "quality") this.socket.expectTraffic(this.watching.has(message.session));
    this.#follow();
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
      this.#loaded = true;
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
    const sessions = this.#mine();
    const ids = toWatch(sessions, this.#me.sessions_per_supervisor, this.#byHand, this.watching.ids);
    const wasChosen = this.#sessions.get(this.#chosen);
    this.watching.follow(ids, (id) => this.#sessions.get(id)?.state === "ended");
    sessions.forEach((session) => this.watching.expect(session));
    this.#listening.keepWithin(ids);
    this.#lastMinutes.keepWithin(ids);
    for (const id of this.#upstream.keys()) if (!ids.includes(id)) this.#upstream.delete(id);
    if (!ids.length) this.socket.expectTraffic(false);
    if (!wasChosen) this.#chosen = ids[0] ?? null;
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

  async #watchByHand(session) {
    const limit = this.#me.sessions_per_supervisor;
    const left = this.watching.ids.filter((id) => id !== session.id).at(-1);
    if (this.watching.ids.length >= limit && left) {
      const where = t("replaces", { rooms: roomsOf(this.#sessions.get(left)).join(" ⇄ ") });
      if (!(await askPlain({ kind: "replace", where, note: false }))) return;
    }
    this.#byHand = [session.id, ...this.watching.ids.filter((id) => id !== left || this.watching.ids.length < limit)];
    this.#follow();
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
    mark(this.node, "link", this.#loaded ? this.#connection : "up");
    const sessions = this.#mine();
    const session = this.#sessions.get(this.#chosen);
    const watched = this.watching.ids;
    this.header.update({ me: this.#me, siteName: this.#siteName(sessions), connection: this.#connection });
    this.standing.update(this.#standing, (id) => this.#roomsOf(id));
    this.alarm.update(sessions);
    this.list.update({ sessions, chosen: this.#chosen, watched, loaded: this.#loaded });
    this.wall.update({
      sessions: sessions.filter(({ id, state }) => watched.includes(id) || (id === this.#chosen && state === "ended")),
      next: sessions.find(({ state }) => state === "scheduled"), chosen: this.#chosen,
      isStale: this.#loaded && this.#connection !== "up",
      watching: this.watching, listening: this.#listening, upstream: this.#upstream,
    });
    if (session && watchable(session)) this.acting.foresee(session);
    this.desk.update({
      session, site: this.#me.site, isWatched: this.watching.has(this.#chosen),
      voice: this.voice, me: this.#me.id, grounds: session ? this.acting.known(session, () => this.#draw()) : [],
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
    this.attention.tick();
    this.wall.tick(left);
    const session = this.#sessions.get(this.#chosen);
    if (session) this.desk.tick(left(session), session);
    this.watching.ids.forEach((id) => this.#lastMinutes.tick(this.#sessions.get(id), left(this.#sessions.get(id))));
    const today = this.#clock.now();
    if (today && this.#day && dayOf(today) !== this.#day) this.#loadDay();
  }
}
