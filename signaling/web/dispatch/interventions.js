/**
 * Interventions of the officer on duty: warnings, mutes, notes, and the stop, whose ground the officer chooses.
 *
 * The grounds of a session do not change while it runs. They are fetched when it is first shown, so that a stop waits
 * for nothing.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { sideKey, visitLine, visitName } from "../i18n/session_words.js";
import { begun, mayWarn, usable } from "../state/grounds.js";
import { askWarning } from "../ui/details/warning_dialog.js";
import { askArticle, askPlain, noteOf } from "../ui/dialog.js";
import { complain } from "../ui/toast.js";

const CACHED = 20; // sessions whose grounds are kept
const NOTHING = { interventions: [], warnings: [] };
const RETRY = 3000; // ms until grounds that could not be fetched are fetched again

export class Interventions {
  #orders;
  #site;
  #changed;
  #grounds = new Map(); // session id -> promise of its rules
  #arrived = new WeakMap(); // that promise -> the rules it brought

  /** @param site the officer's own @param changed called when the grounds of a session have arrived */
  constructor(orders, site, changed) {
    this.#orders = orders;
    this.#site = site;
    this.#changed = changed;
  }

  /** The grounds under which an officer may speak in a session, as far as they have arrived. */
  groundsOf(session) {
    return usable(this.#arrivedOf(session).interventions, session, this.#site).filter(mayWarn);
  }

  hold(session) {
    return this.#ask(session, async ({ items }) => {
      const answer = await askArticle({ kind: "hold", session, where: visitLine(session), items });
      if (answer) await this.#orders.send("hold", session, { article: answer.article, ...noteOf(answer) }, "done_hold");
    });
  }

  /** Whether a visit is held on a ground that demands its end, as far as the rules have arrived. */
  mustEnd(session) {
    const code = session.state === "held" ? session.reason?.article : "";
    return Boolean(code) && this.#arrivedOf(session).interventions.some((ground) => ground.code === code && ground.must_end && !ground.by_agreement);
  }

  /** The code by which both sides part, as far as the rules have arrived; "" where they have none. */
  farewellCodeOf(session) {
    return this.#arrivedOf(session).interventions.find(({ by_agreement: both }) => both)?.code ?? "";
  }

  /** The sentences that are told at check-in, as far as they have arrived. */
  noticesOf(session) {
    return this.#arrivedOf(session).warnings.filter(({ notice }) => notice);
  }

  #arrivedOf({ id }) {
    const coming = this.#grounds.get(id);
    if (!coming) return NOTHING;
    if (!this.#arrived.has(coming)) {
      this.#arrived.set(coming, NOTHING);
      coming.then((rules) => { this.#arrived.set(coming, rules); this.#changed(); }, () => {});
    }
    return this.#arrived.get(coming);
  }

  /** Fetches the grounds of a session that is shown, once. */
  prefetch(session) {
    if (!this.#grounds.has(session.id)) this.#rulesOf(session).catch(() => {});
  }

  #rulesOf({ id }) {
    if (!this.#grounds.has(id)) {
      const coming = api.interventions(id);
      this.#grounds.set(id, coming);
      coming.catch(() => setTimeout(() => this.#grounds.get(id) === coming && this.#grounds.delete(id), RETRY));
      if (this.#grounds.size > CACHED) this.#grounds.delete(this.#grounds.keys().next().value);
    }
    return this.#grounds.get(id);
  }

  warn(session) {
    return this.#ask(session, async ({ warnings, items }) => {
      const answer = await askWarning({ session, warnings, items, mayHold: begun(session) });
      if (!answer) return;
      const { measure, ...members } = answer;
      if (measure === "end") await this.#orders.send("end", session, { article: members.article }, "done_end");
      else await this.#orders.send(measure, session, members, `done_${measure}`);
    });
  }

  mute(session, side) {
    const where = `${visitName(session)} · ${t(sideKey(session, side))} · ${session.sides[side].room_name}`;
    if (session.muted?.some((mute) => mute.side === side)) return this.#unmute(session, side, where);
    return this.#ask(session, async ({ items }) => {
      const answer = await askArticle({ kind: "mute", session, where, items });
      if (answer) await this.#orders.send("mute", session, { side, on: true, article: answer.article, ...noteOf(answer) }, "done_mute");
    });
  }

  async #unmute(session, side, where) {
    const answer = await askPlain({ kind: "unmute", session, where });
    if (answer) await this.#orders.send("mute", session, { side, on: false, ...noteOf(answer) }, "done_unmute");
  }

  note(session, text) {
    return this.#orders.send("remark", session, { text });
  }

  stop(session) {
    return this.#ask(session, async ({ items }) => {
      const answer = await askArticle({ kind: "end", session, where: visitLine(session), items });
      if (answer) await this.#orders.send("end", session, { article: answer.article, ...noteOf(answer) }, "done_end");
    });
  }

  /** Calls `then` with the session's ready words and usable grounds; a failed prefetch is repeated once. */
  async #ask(session, then) {
    try {
      const prefetched = await this.#rulesOf(session).catch(() => this.#grounds.delete(session.id) && null);
      const { warnings, interventions } = prefetched ?? await this.#rulesOf(session);
      await then({ warnings, items: usable(interventions, session, this.#site) });
    } catch (error) {
      complain(api.asProblem(error));
    }
  }
}
