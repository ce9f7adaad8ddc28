/**
 * Announcements to screen readers: changes of state, quorum and recording, new duty, and the last minutes.
 */
import { t } from "../../i18n/i18n.js";
import { quorumOf, reasonOf, sideKey, visitName } from "../../i18n/session_words.js";
import { urgency } from "../../state/clock.js";
import { SIDES } from "../../state/sessions.js";
import { extensionsChanged } from "../details/extension.js";
import { farewellChanged } from "../details/farewell.js";
import { interventionsChanged } from "../details/interventions.js";
import { announce } from "../toast.js";

const URGENT_STATES = new Set(["held", "ended"]);

/** Announces the difference between two views of a watched session. */
export function announceChange(before, after) {
  const rooms = visitName(after);
  const words = [];
  if (before.state !== after.state) words.push(t(`state_${after.state}`), reasonOf(after));
  for (const side of SIDES) {
    const [was, is] = [quorumOf(before, side), quorumOf(after, side)];
    if (was.reached === is.reached || after.state === "ended") continue;
    words.push(`${t(sideKey(after, side))} ${t(is.reached ? "quorum_reached" : "quorum_short", { short: is.short })}`);
  }
  if (before.recording.state !== after.recording.state) words.push(t(`recording_${after.recording.state}`));
  words.push(...interventionsChanged(before, after), ...extensionsChanged(before, after), ...farewellChanged(before, after));
  const changes = words.filter(Boolean);
  if (!changes.length) return;
  const urgent = URGENT_STATES.has(after.state) || after.recording.state === "lost";
  announce(`${rooms}${t("colon")}${changes.join(t("and_then"))}`, urgent);
}

/** Announces the sessions that have become the officer's duty, also where the page itself has chosen them. */
export function announceDuty(taken, roomNamesOf) {
  if (taken.length) announce(t("duty_taken", { rooms: taken.map(roomNamesOf).join(t("and_names")) }));
}

/** Announces the last five minutes and the last minute of each session, once. */
export class LastMinutes {
  #announced = new Map();

  tick(session, ms) {
    const level = urgency(ms);
    if (level && this.#announced.get(session.id) !== level) {
      this.#announced.set(session.id, level);
      announce(`${visitName(session)}${t("colon")}${t(`last_${level}`)}`, true);
    }
  }

  keepWithin(ids) {
    for (const id of this.#announced.keys()) if (!ids.includes(id)) this.#announced.delete(id);
  }
}
