/**
 * What the person on duty does short of holding: warn, mute, note; and the stop that needs two strokes.
 *
 * The grounds of a session do not change while it runs. They are fetched when it is first shown, so that
 * stopping waits for nothing.
 */
import * as api from "./api.js";
import { roomsOf } from "./view/facts.js";
import { askArticle, askPlain } from "./view/dialog.js";
import { askStop } from "./view/stop.js";
import { complain } from "./view/toast.js";
import { askWarning } from "./view/warn.js";

const KEPT = 20;

export class Acting {
  #orders;
  #grounds = new Map(); // session id -> promise of its grounds
  #arrived = new WeakMap(); // that promise -> what it brought

  constructor(orders) {
    this.#orders = orders;
  }

  /** Fetches the grounds of a session that is shown, once; what fails is fetched again when it is needed. */
  foresee(session) {
    if (session && !this.#grounds.has(session.id)) this.#groundsOf(session).catch(() => {});
  }

  #groundsOf({ id }) {
    if (!this.#grounds.has(id)) {
      const coming = api.interventions(id);
      this.#grounds.set(id, coming);
      coming.catch(() => setTimeout(() => this.#grounds.get(id) === coming && this.#grounds.delete(id), 3000));
      if (this.#grounds.size > KEPT) this.#grounds.delete(this.#grounds.keys().next().value);
    }
    return this.#grounds.get(id);
  }

  /** The grounds of a session as far as they have come; `changed` is called when they do. */
  known({ id }, changed) {
    const coming = this.#grounds.get(id);
    if (!coming) return [];
    if (!this.#arrived.has(coming)) {
      this.#arrived.set(coming, []);
      coming.then(({ interventions }) => { this.#arrived.set(coming, interventions); changed(); }, () => {});
    }
    return this.#arrived.get(coming);
  }

  warn(session) {
    return this.#ask(session, async ({ warnings, interventions }) => {
      const answer = await askWarning({ where: where(session), warnings, items: interventions });
      if (answer) await this.#orders.tell("warn", session, answer, "done_warn");
    });
  }

  mute(session, side) {
    const what = { where: `${where(session)} · ${session.sides[side].room_name}` };
    if (session.muted?.some((one) => one.side === side)) return this.#unmute(session, side, what);
    return this.#ask(session, async ({ interventions: items }) => {
      const answer = await askArticle({ kind: "mute", ...what, items });
      if (answer) await this.#orders.tell("mute", session, { side, on: true, article: answer.article, ...noteOf(answer) }, "done_mute");
    });
  }

  async #unmute(session, side, what) {
    const answer = await askPlain({ kind: "unmute", ...what });
    if (answer) await this.#orders.tell("mute", session, { side, on: false, ...noteOf(answer) }, "done_unmute");
  }

  remark(session, text) {
    return this.#orders.tell("remark", session, { text });
  }

  stop(session) {
    return this.#ask(session, async ({ interventions: items }) => {
      const article = await askStop({ where: where(session), items });
      if (article) await this.#orders.tell("end", session, { article }, "done_end");
    });
  }

  async #ask(session, then) {
    try {
      const foreseen = await this.#groundsOf(session).catch(() => this.#grounds.delete(session.id) && null);
      await then(foreseen ?? await this.#groundsOf(session));
    } catch (error) {
      complain(api.asProblem(error));
    }
  }
}

const where = (session) => roomsOf(session).join(" ⇄ ");
const noteOf = ({ note }) => (note ? { note } : {});
