/**
 * Longer visits: whoever may approve one does it here, everybody sees by whom, by how much and until when.
 *
 * The rules of a session do not change while it runs; they are fetched once, and only by those who may.
 */
import * as api from "./api.js";
import { WATCHABLE } from "./sessions.js";
import { t } from "./i18n.js";
import { askExtension } from "./view/extend.js";
import { roomsOf } from "./view/facts.js";
import { complain, inform } from "./view/toast.js";

const APPROVER = "approver";

export class Extending {
  #me;
  #rules = new Map(); // session id -> its rules, null while they are on their way
  #changed;

  constructor(me, changed) {
    this.#me = me;
    this.#changed = changed;
  }

  /** Whether this person may make this session longer now. What the server refuses it refuses all the same. */
  may(session) {
    if (this.#me.role !== APPROVER || session.sides.prison.site !== this.#me.site) return false;
    if (session.state !== "scheduled" && !WATCHABLE.has(session.state)) return false;
    const rules = this.#rulesOf(session.id);
    return Boolean(rules) && rules.role === this.#me.role && (session.extensions ?? []).length < rules.times;
  }

  #rulesOf(id) {
    if (!this.#rules.has(id)) {
      this.#rules.set(id, null);
      api.extensions(id).then(
        (rules) => { this.#rules.set(id, rules); this.#changed(); },
        () => this.#rules.delete(id), // the next drawing asks again
      );
    }
    return this.#rules.get(id);
  }

  /** Asks by how much, on what ground and why, and approves it. */
  async extend(session) {
    const rules = this.#rulesOf(session.id);
    const answer = rules && await askExtension({ where: roomsOf(session).join(" ⇄ "), rules });
    if (!answer) return;
    const approval = { id: api.newId("apr"), ...answer };
    try {
      await api.extend(session.id, approval).catch((error) => {
        if (error.status !== 0) throw error;
        return api.extend(session.id, approval); // perhaps it arrived: the same object counts once
      });
      inform(t("done_extend"));
    } catch (error) {
      complain(api.asProblem(error));
    }
  }
}
