/**
 * Extensions of a visit: a supervisor asks for one, an approver approves or declines it.
 *
 * The rules of a session do not change while it runs; they are fetched once.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { SIDES, WATCHABLE } from "../state/sessions.js";
import { askDeclined, askExtension } from "../ui/details/extension.js";
import { complain, inform } from "../ui/toast.js";

const APPROVER = "approver";
const SUPERVISOR = "supervisor";

export class Extension {
  #me;
  #orders;
  #rules = new Map(); // session id -> its rules, null while they are being fetched
  #changed;

  constructor(me, orders, changed) {
    this.#me = me;
    this.#orders = orders;
    this.#changed = changed;
  }

  /** Whether this officer may extend this session now. The server decides all the same. */
  mayExtend(session) {
    if (this.#me.role !== APPROVER || session.sides.prison.site !== this.#me.site) return false;
    const rules = this.#openRules(session);
    return Boolean(rules) && rules.role === this.#me.role;
  }

  /** Whether this officer may ask for a longer visit: no request waits, and the rules leave one. */
  mayRequest(session) {
    if (this.#me.role !== SUPERVISOR || !SIDES.some((side) => session.sides[side].site === this.#me.site)) return false;
    if (session.drill || session.extension_request?.state === "open") return false;
    const rules = this.#openRules(session);
    return Boolean(rules) && (rules.until !== "start" || session.state === "scheduled" || session.crossed_ms === null);
  }

  /** The rules of a session that may be made longer once more, as far as they have arrived. */
  #openRules(session) {
    if (session.state !== "scheduled" && !WATCHABLE.has(session.state)) return null;
    const rules = this.#rulesOf(session.id);
    return rules && (session.extensions ?? []).length < rules.times ? rules : null;
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

  /** Asks by how much, on what ground and for what reason, and approves it; with the values of a request that waits. */
  async extend(session) {
    try {
      const rules = this.#rulesOf(session.id) ?? await api.extensions(session.id);
      const answer = await askExtension({ session, rules, kind: "extend" });
      if (!answer) return;
      const approval = { id: api.newId("apr"), ...answer };
      await api.extend(session.id, approval).catch((error) => {
        if (error.status !== 0) throw error;
        return api.extend(session.id, approval); // it may have arrived: the same id counts once
      });
      inform(t("done_extend"));
    } catch (error) {
      complain(api.asProblem(error));
    }
  }

  /** Asks the approver for a longer visit. */
  async request(session) {
    const rules = this.#rulesOf(session.id);
    const answer = rules && await askExtension({ session, rules, kind: "request_extension" });
    if (answer) await this.#orders.send("request_extension", session, { request: api.newId("ext"), ...answer }, "done_request_extension");
  }

  /** Declines the request that waits, with a reason. */
  async decline(session) {
    const answer = await askDeclined(session);
    if (answer) await this.#orders.send("decline_extension", session, { request: session.extension_request.id, ...answer }, "done_decide");
  }
}
