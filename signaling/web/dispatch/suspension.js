/**
 * Suspensions: the proposals of this site, a new proposal, and the decision on one.
 *
 * The rules of a visit list the grounds that may lead to a suspension; they are fetched when a visit with an
 * intervention is shown.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { visitLine } from "../i18n/session_words.js";
import { sidesOf } from "../state/sessions.js";
import { askDecision, askSuspension } from "../ui/details/suspension.js";
import { complain, inform } from "../ui/toast.js";

export class Suspension {
  #me;
  #changed;
  #rules = new Map(); // session id -> its rules, null while they are being fetched
  #all = [];

  constructor(me, changed) {
    this.#me = me;
    this.#changed = changed;
  }

  /** The proposals that this officer may see, the newest first. */
  get all() {
    return this.#all;
  }

  /** Fetches the proposals; after a failure the old ones stay until the next call. */
  async refresh() {
    try {
      ({ suspensions: this.#all } = await api.suspensions());
      this.#changed();
    } catch (error) {
      if (error.status !== 0 && error.status !== 401) complain(api.asProblem(error)); // the page shows elsewhere that it is disconnected
    }
  }

  /** Whether an officer intervened on a ground that may lead to a suspension. The server checks it again. */
  mayPropose(session) {
    if (this.#me.role !== "supervisor" || !sidesOf(session, this.#me.site).length || !usedCodes(session).size) return false;
    return this.#grounds(session).length > 0;
  }

  #grounds(session) {
    const rules = this.#rulesOf(session.id);
    const used = usedCodes(session);
    return rules?.suspension ? rules.interventions.filter(({ code, may_suspend }) => may_suspend && used.has(code)) : [];
  }

  #rulesOf(id) {
    if (!this.#rules.has(id)) {
      this.#rules.set(id, null);
      api.interventions(id).then(
        (rules) => { this.#rules.set(id, rules); this.#changed(); },
        () => this.#rules.delete(id), // the next drawing asks again
      );
    }
    return this.#rules.get(id);
  }

  async propose(session) {
    const { suspension } = this.#rulesOf(session.id);
    const answer = await askSuspension({
      session, where: visitLine(session), grounds: this.#grounds(session), ...suspension,
      people: session.sides[suspension.subject].people.filter(({ role }) => role !== "interpreter"),
    });
    if (answer) await this.#send(() => api.propose(session.id, { id: api.newId("sus"), ...answer }), "done_propose");
  }

  async decide(proposal) {
    const answer = await askDecision(proposal);
    if (answer) await this.#send(() => api.decide(proposal.id, answer), "done_decide");
  }

  async #send(order, words) {
    try {
      await order();
      inform(t(words));
    } catch (error) {
      complain(api.asProblem(error));
    }
    await this.refresh();
  }
}

/** The codes under which the visit was held or ended, as far as its view says so: a warning alone suspends nobody. */
function usedCodes(session) {
  return new Set([session.reason?.article].filter(Boolean));
}
