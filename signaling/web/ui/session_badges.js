/**
 * Small parts that several views share: the state, a side's quorum in short, and the recording light.
 */
import { t } from "../i18n/i18n.js";
import { namesOf, quorumOf, shortSideKey } from "../i18n/session_words.js";
import { minutesSeconds } from "../state/clock.js";
import { el, icon, mark, put, swapIcon } from "./dom.js";

const STATE_ICONS = {
  scheduled: "clock", check_in: "people", ready: "ready", live: "live", held: "held", ended: "ended",
};

/** The state of a session as icon, word and colour. */
export function stateBadge() {
  const word = el("span");
  const node = el("span", { class: "badge" }, icon("clock"), word);
  return {
    node,
    update(session) {
      mark(node, "state", session.state);
      swapIcon(node, STATE_ICONS[session.state]);
      put(word, t(`state_${session.state}`));
    },
  };
}

/** The quorum of one side in short, as "监所 2/2", for the bar of a tile. */
export function quorumChip(side) {
  const words = el("span");
  const spoken = el("span", { class: "unseen" });
  const node = el("span", { class: "chip" }, icon("people"), words, spoken);
  return {
    node,
    update(session) {
      const { need, have, reached } = quorumOf(session, side);
      mark(node, "level", reached ? "good" : "bad");
      put(words, `${t(shortSideKey(session, side))} ${have.length}/${need}`);
      const verdict = t(reached ? "quorum_reached" : "quorum_short", { short: need - have.length });
      node.title = [verdict, namesOf(have)].join(t("colon"));
      put(spoken, `${t("quorum")}${t("colon")}${node.title}`);
    },
  };
}

const RECORDING_LEVEL = {
  none: "idle", starting: "wait", writing: "good", lost: "bad", finalizing: "wait", archived: "done", failed: "bad",
};

/** The recording light; it repeats what the recorder reports and never guesses. */
export function recordingLight() {
  const words = el("span");
  const node = el("span", { class: "chip recording" }, icon("record"), words);
  return {
    node,
    update({ recording }) {
      const level = RECORDING_LEVEL[recording.state];
      mark(node, "level", level);
      mark(node, "recording", recording.state);
      swapIcon(node, level === "bad" ? "warn" : level === "done" ? "check" : "record");
      // the last reported length of a recording that goes on is already wrong
      const length = level === "done" ? ` ${minutesSeconds(Math.floor(recording.seconds) * 1000)}` : "";
      put(words, t(`recording_${recording.state}`) + length);
    },
  };
}
