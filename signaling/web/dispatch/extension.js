/**
 * Extensions of a visit: an approver approves them here.
 *
 * The rules of a session do not change while it runs; they are fetched once, and only for an approver.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { visitLine } from "../i18n/session_words.js";
import { WATCHABLE } from "../state/sessions.js";
import { askExtension } from "../ui/details/extension.js";
import { complain, inform } from "../ui/toast.js";

const APPROVER = "approver";

export class Extension {
  #me;
  #rules = new Map(); // session id -> its rules, null while they are being fetched
  #changed;

  constructor(me, changed) {
    this.#me = me;
    this.#changed = changed;
  }

  /** Whether this officer may extend this session now. The server decides all the same. */
  mayExtend(session) {
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

  /** Asks by how much, on what ground and for what reason, and approves it. */
  async extend(session) {
    const rules = this.#rulesOf(session.id);
    const answer = rules && await askExtension({ where: visitLine(session), rules });
    if (!answer) return;
    const approval = { id: api.newId("apr"), ...answer };
    try {
      await api.extend(session.id, approval).catch((error) => {
        if (error.status !== 0) throw error;
        return api.extend(session.id, approval); // it may have arrived: the same id counts once
      });
      inform(t("done_extend"));
    } catch (error) {
      complain(api.asProblem(error));
    }
  }
}
