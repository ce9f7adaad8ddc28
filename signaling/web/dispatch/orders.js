/**
 * Orders of the officer on duty: asks what has to be asked, sends, and shows what came of it.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { roomNames } from "../i18n/session_words.js";
import { usable } from "../state/grounds.js";
import { askArticle, askPlain, noteOf } from "../ui/dialog.js";
import { complain, inform } from "../ui/toast.js";

export class Orders {
  #delivery;
  #site;

  /** @param {Delivery} delivery @param site the officer's own */
  constructor(delivery, site) {
    this.#delivery = delivery;
    this.#site = site;
  }

  /** Holds or ends a session under an article's code, chosen from the session's policy pack. */
  async withArticle(kind, session) {
    try {
      const { interventions } = await api.interventions(session.id);
      const items = usable(interventions, session, this.#site);
      const answer = await askArticle({ kind, where: roomNames(session), items });
      if (!answer) return;
      await this.#deliver(kind, session.id, { article: answer.article, ...noteOf(answer) });
      const proposed = kind === "end" && items.find(({ code }) => code === answer.article)?.by_agreement;
      inform(t(proposed ? "done_finish" : `done_${kind}`));
    } catch (error) {
      complain(api.asProblem(error));
    }
  }

  /** Says for the officer's site that the visit is finished. To agree with the other side takes one stroke. */
  async finish(session, code) {
    const agrees = (session.farewell ?? []).length > 0;
    const answer = agrees || await askPlain({ kind: "finish", where: roomNames(session), note: false });
    if (answer) await this.send("end", session, { article: code }, "done_finish");
  }

  async resume(session) {
    const answer = await askPlain({ kind: "resume", where: roomNames(session) });
    if (answer) await this.send("resume", session, noteOf(answer), "done_resume");
  }

  /** Makes or takes back one check of a listed person. */
  tick(session, side, person, tick, on) {
    return this.#report(this.#deliver("tick", session.id, { side, person, tick, on }));
  }

  seat(session, side, ready) {
    return this.#report(this.#deliver("seat", session.id, { side, ready }));
  }

  /** Marks a listed person as absent, after asking. */
  async absent(session, side, person) {
    const answer = await askPlain({ kind: "absent", where: person.name, note: false });
    if (answer) await this.send("absent", session, { side, person: person.id });
  }

  equipment(session, side, passed, reason = "") {
    return this.#report(this.#deliver("equipment", session.id, { side, passed, reason }));
  }

  /** Has the room's terminal test its equipment again. */
  retest(session, side) {
    return this.#report(api.order(session.id, "retest", { side }), "done_retest");
  }

  /** Says why the visit can begin although the drill of its rooms failed. */
  overrideDrill(session, reason) {
    return this.#report(this.#deliver("override_drill", session.id, { reason }), "done_drill_override");
  }

  /** Sends any other order. Resolves to whether the server took it; a refusal is shown. */
  send(type, session, members, words = "") {
    return this.#report(this.#deliver(type, session.id, members), words).then(() => true, () => false);
  }

  /**
   * Shows a refusal and rejects with it; otherwise shows the words under the key `words`, and that the order arrived after
   * all where the officer was told that it had not.
   */
  async #report(sending, words = "") {
    let late = false;
    try {
      late = await sending;
    } catch (error) {
      if (error.code !== "order_lost") complain(api.asProblem(error)); // a lost order stands in the order status
      throw error;
    }
    if (late === true) inform(t("order_arrived_late"));
    if (words) inform(t(words));
  }

  #deliver(type, session, members) {
    return this.#delivery.send(type, session, members);
  }
}
