/**
 * Entry of the fleet's page: the table of the terminals that the officer may see, read anew every few seconds while the
 * page is in front.
 */
import * as api from "../api/rest.js";
import { onLanguage, t } from "../i18n/i18n.js";
import { askAssign, askReason, askRestart } from "../ui/terminals/dialogs.js";
import { fleetView } from "../ui/terminals/fleet.js";
import { announce, complain, inform } from "../ui/toast.js";
import { startPage } from "./start.js";

const EVERY = 5000; // ms between looks at the fleet
const HISTORY_EVERY = 600_000; // ms between looks at the history of a room's line
const ROLES = new Set(["supervisor", "approver", "auditor", "admin"]);

/** The page of an officer who is signed in. */
class Fleet {
  #view;
  #me;
  #timer = 0;
  #lines = new Map(); // room to {at, tests}
  #conflicts = "";
  #latest = null;

  constructor(me, onSignedOut) {
    this.#me = me;
    this.#view = fleetView(me, { onOrder: (kind, terminal) => this.#order(kind, terminal), onSignOut: () => this.#signOut() });
    this.onSignedOut = onSignedOut;
    this.node = this.#view.node;
    onLanguage(() => this.#show());
  }

  start() {
    this.#look();
  }

  close() {
    clearTimeout(this.#timer);
    this.onSignedOut = null;
  }

  async #look() {
    clearTimeout(this.#timer);
    try {
      if (!document.hidden) {
        this.#latest = await api.terminals();
        this.#show();
        await this.#readLines();
      }
    } catch (error) {
      if (error.status === 401) return this.onSignedOut?.(true);
      this.#view.down(true);
    }
    if (this.onSignedOut) this.#timer = setTimeout(() => this.#look(), EVERY);
  }

  #show() {
    if (!this.#latest) return;
    this.#view.down(false);
    this.#view.update(this.#latest, this.#lines);
    const conflicts = this.#latest.terminals.filter(({ state }) => state === "conflicted").map(({ id }) => id).join(" ");
    if (conflicts && conflicts !== this.#conflicts) announce(t("fleet_conflict"), true);
    this.#conflicts = conflicts;
  }

  /** Reads the history of each room's tests now and then, one after another: a picture of weeks is in no hurry. */
  async #readLines() {
    const rooms = this.#latest.terminals.map(({ room }) => room).filter(Boolean);
    for (const room of rooms) {
      const known = this.#lines.get(room);
      if (known && performance.now() - known.at < HISTORY_EVERY) continue;
      this.#lines.set(room, { at: performance.now(), tests: (await api.roomTests(room)).tests });
      this.#show();
    }
  }

  async #order(kind, terminal) {
    const answer = await this.#asked(kind, terminal);
    if (answer === null) return;
    try {
      await api.orderTerminal(terminal.id, kind, answer);
      inform(t(`fleet_done_${kind}`));
    } catch (error) {
      complain(api.asProblem(error));
    }
    await this.#look();
  }

  #asked(kind, terminal) {
    if (kind === "test") return undefined;
    if (kind === "restart") return askRestart(terminal);
    if (kind === "assign") return askAssign(terminal, this.#latest.terminals);
    return askReason(kind, terminal);
  }

  async #signOut() {
    await api.signOut().catch(() => {});
    this.onSignedOut?.();
  }
}

startPage({ roles: ROLES, refusal: "not_supervisor", make: (me, onSignedOut) => new Fleet(me, onSignedOut) });
