/**
 * Suspensions: what was proposed at this site, by whom it waits to be decided, and the proposal itself.
 *
 * What a visit may lead to is in its rules; they are fetched when a visit with an intervention is shown.
 */
import * as api from "./api.js";
import { sidesOf } from "./sessions.js";
import { t } from "./i18n.js";
import { roomsOf } from "./view/facts.js";
import { askDecision, askSuspension } from "./view/suspend.js";
import { complain, inform } from "./view/toast.js";

export class Suspending {
  #me;
  #changed;
  #rules = new Map(); // session id -> its grounds, null while they are on their way
  #all = [];

  constructor(me, changed) {
    this.#me = me;
    this.#changed = changed;
  }

  /** The proposals that this person may know of, the newest first. */
  get all() {
    return this.#all;
  }

  /** Asks the server anew; a failure leaves what is known, the next time asks again. */
  async refresh() {
    try {
      ({ suspensions: this.#all } = await api.suspensions());
      this.#changed();
    } catch (error) {
      if (error.status !== 0 && error.status !== 401) complain(api.asProblem(error)); // the page says that it is cut off
    }
  }

  /** Whether an officer stepped in on a ground that may lead to a suspension. The server looks again. */
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
      where: roomsOf(session).join(" ⇄ "), grounds: this.#grounds(session), ...suspension,
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

/** The codes under which officers did something in a visit, as far as the page is told. */
function usedCodes(session) {
  const codes = [session.reason?.article, ...(session.warnings ?? []).map(({ article }) => article), ...(session.muted ?? []).map(({ article }) => article)];
  return new Set(codes.filter(Boolean));
}
