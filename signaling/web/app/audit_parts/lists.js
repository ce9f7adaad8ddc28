/**
 * The lists on the auditors' page that are only read: what must be listened to again, and the legal holds that stand.
 */
import * as audit from "../../api/audit.js";
import { dutyListView } from "../../ui/audit/duty_list.js";
import { holdListView } from "../../ui/audit/hold_list.js";

/** What must be listened to again; `start` reads what is overdue. Raises problems. */
export class DutiesPart {
  #view;
  #wanted = "overdue";

  /** @param {(error: Error) => void} onFail receives why another list of them could not be read */
  constructor(onFail) {
    this.#view = dutyListView((state) => this.#read(state).catch(onFail));
    this.node = this.#view.node;
  }

  start = () => this.#read(this.#wanted);
  close = () => this.#view.close();

  async #read(state) {
    this.#wanted = state;
    const { duties } = await audit.relisten(state);
    if (state === this.#wanted) this.#view.update(state, duties);
  }
}

/** The legal holds that stand; `start` reads them. Raises problems. */
export class HoldsPart {
  #view = holdListView();
  node = this.#view.node;

  start = async () => this.#view.update((await audit.standingHolds()).holds);
  close = () => this.#view.close();
}
