/**
 * Says what changed to those who do not see it: states, quorum, recording, the last minutes.
 */
import { urgency } from "./clock.js";
import { t } from "./i18n.js";
import { SIDES } from "./sessions.js";
import { actsChanged } from "./view/acts.js";
import { extensionsChanged } from "./view/extend.js";
import { quorumOf, reasonOf, roomsOf } from "./view/facts.js";
import { say } from "./view/toast.js";

const URGENT_STATES = new Set(["held", "ended"]);

/** Compares two views of a session that is watched and speaks about the difference. */
export function announceChange(before, after) {
  const rooms = roomsOf(after).join(" ⇄ ");
  const words = [];
  if (before.state !== after.state) words.push(t(`state_${after.state}`), reasonOf(after));
  for (const side of SIDES) {
    const [was, is] = [quorumOf(before, side), quorumOf(after, side)];
    if (was.reached === is.reached || after.state === "ended") continue;
    words.push(`${t(`side_${side}`)} ${t(is.reached ? "quorum_reached" : "quorum_short", { short: is.short })}`);
  }
  if (before.recording.state !== after.recording.state) words.push(t(`recording_${after.recording.state}`));
  words.push(...actsChanged(before, after), ...extensionsChanged(before, after));
  const spoken = words.filter(Boolean);
  if (!spoken.length) return;
  const urgent = URGENT_STATES.has(after.state) || after.recording.state === "lost";
  say(`${rooms}${t("colon")}${spoken.join(t("and_then"))}`, urgent);
}

/** Says which sessions have become the officer's duty, also where nobody but the page has chosen them. */
export function announceDuty(before, after, roomsOf) {
  const taken = after.filter((id) => !before.includes(id));
  if (taken.length) say(t("duty_taken", { rooms: taken.map(roomsOf).join(t("and_names")) }));
}

/** Remembers which of the last minutes has been said for which session. */
export class LastMinutes {
  #said = new Map();

  tick(session, ms) {
    const level = urgency(ms);
    if (level && this.#said.get(session.id) !== level) {
      this.#said.set(session.id, level);
      say(`${roomsOf(session).join(" ⇄ ")}${t("colon")}${t(`last_${level}`)}`, true);
    }
  }

  keepWithin(ids) {
    for (const id of this.#said.keys()) if (!ids.includes(id)) this.#said.delete(id);
  }
}
