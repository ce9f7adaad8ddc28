/**
 * The purge on the auditors' page: reads the plan once, follows a run, and gives the two officers' orders.
 */
import * as audit from "../../api/audit.js";
import * as api from "../../api/rest.js";
import { t } from "../../i18n/i18n.js";
import { askPurge } from "../../ui/audit/dialogs.js";
import { polling } from "../../ui/audit/polling.js";
import { purgeView } from "../../ui/audit/purge.js";
import { complain, inform } from "../../ui/toast.js";

const EVERY = 1000; // ms between looks while it runs

/** The part of the page; `start` reads the plan. Raises problems of the first reading. */
export class PurgePart {
  #view;
  #closed = false;
  #looks = polling(() => this.#look(), { every: EVERY });

  constructor() {
    this.#view = purgeView({ onPermit: (count) => this.#permit(count), onApply: (code) => this.#apply(code) });
    this.node = this.#view.node;
  }

  async start() {
    const [plan, run] = await Promise.all([audit.purgePlan(), audit.purgeRun()]);
    this.#view.update({ plan });
    this.#follow(run);
  }

  close() {
    this.#closed = true;
    this.#looks.close();
    this.#view.close();
  }

  #follow(run) {
    if (this.#closed) return;
    this.#view.update({ run });
    if (run.state === "running") this.#looks.again();
  }

  async #look() {
    const run = await audit.purgeRun();
    if (run.state === "ended") this.#view.update({ plan: await audit.purgePlan() });
    this.#follow(run);
  }

  async #permit(count) {
    if (!(await askPurge("permit", t("audit_purge_count", { count })))) return null;
    try {
      const made = await audit.permitPurge(count);
      inform(t("audit_done_permit"));
      return made;
    } catch (error) {
      complain(api.asProblem(error));
      return null;
    }
  }

  async #apply(code) {
    if (!(await askPurge("apply", code))) return false;
    try {
      this.#follow(await audit.applyPurge(code));
      return true;
    } catch (error) {
      complain(api.asProblem(error));
      return false;
    }
  }
}
