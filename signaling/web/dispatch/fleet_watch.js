/**
 * Watches on the desk whether a terminal's key is used in two places: both are refused until an administrator decides, and
 * the next visit of that room depends on it.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { announce } from "../ui/toast.js";

export class FleetWatch {
  #changed;
  #known = "";
  conflicts = 0;

  constructor(changed) {
    this.#changed = changed;
  }

  /** Looks at the site's terminals; after a failure what was found stays until the next call. */
  async refresh() {
    const found = await disputed();
    if (!found) return;
    const known = found.join(" ");
    if (known && known !== this.#known) announce(t("fleet_conflict"), true);
    this.#known = known;
    this.conflicts = found.length;
    this.#changed();
  }
}

async function disputed() {
  try {
    const { terminals } = await api.terminals();
    return terminals.filter(({ state }) => state === "conflicted").map(({ id }) => id);
  } catch {
    return null; // the page shows elsewhere that it is disconnected or signed out
  }
}
