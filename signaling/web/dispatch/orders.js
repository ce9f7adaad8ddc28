/**
 * Orders of the officer on duty: asks what has to be asked, sends, and shows what came of it.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { sideKey, visitLine, visitName } from "../i18n/session_words.js";
import { askPlain, noteOf } from "../ui/dialog.js";
import { complain, inform } from "../ui/toast.js";

export class Orders {
  #delivery;

  /** @param {Delivery} delivery */
  constructor(delivery) {
    this.#delivery = delivery;
  }

  /** Says for the officer's site that the visit is finished. To agree with the other side takes one stroke. */
  async finish(session, code) {
    const agrees = (session.farewell ?? []).length > 0;
    const answer = agrees || await askPlain({ kind: "finish", session, where: visitLine(session), note: false });
    if (answer) await this.send("end", session, { article: code }, "done_finish", "finish");
  }

  async resume(session) {
    const answer = await askPlain({ kind: "resume", session, where: visitLine(session) });
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
    const answer = await askPlain({ kind: "absent", session, where: `${person.name} · ${visitName(session)}`, note: false });
    if (answer) await this.send("absent", session, { side, person: person.id });
  }

  equipment(session, side, passed, reason = "") {
    return this.#report(this.#deliver("equipment", session.id, { side, passed, reason }));
  }

  /** Has the room's terminal test its equipment again. */
  retest(session, side) {
    return this.#report(api.order(session.id, "retest", { side }), t("done_retest"));
  }

  /** Says why the visit can begin although the drill of its rooms failed. */
  overrideDrill(session, reason) {
    return this.#report(this.#deliver("override_drill", session.id, { reason }), t("done_drill_override"));
  }

  /** Sends any other order. Resolves to whether the server took it; a refusal is shown. `words`: their key, with the side's name; `name`: see Delivery. */
  send(type, session, members, words = "", name = type) {
    const side = members.side ? t(sideKey(session, members.side)) : "";
    return this.#report(this.#deliver(type, session.id, members, name), words && t(words, { side }), session).then(() => true, () => false);
  }

  /**
   * Shows a refusal and rejects with it; otherwise shows `words`, and that the order arrived after
   * all where the officer was told that it had not.
   */
  async #report(sending, words = "", session = null) {
    const visit = session ? visitName(session) : "";
    let late = false;
    try {
      late = await sending;
    } catch (error) {
      if (error.code !== "order_lost") complain(api.asProblem(error), visit); // a lost order stands in the order status
      throw error;
    }
    if (late === true) inform(t("order_arrived_late"), visit);
    if (words) inform(words, visit);
  }

  #deliver(type, session, members, name = type) {
    return this.#delivery.send(type, session, members, name);
  }
}
