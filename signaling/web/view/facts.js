/**
 * Small pieces that several views show alike: state, quorum in short, recording light.
 */
import { el, icon, mark, put, swapIcon } from "../dom.js";
import { inWords, t } from "../i18n.js";
import { minutesSeconds } from "../clock.js";

const STATE_ICONS = {
  scheduled: "clock", check_in: "people", ready: "ready", live: "live", held: "held", ended: "ended",
};

/** State of a session as icon, word and colour. */
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

/** {need, have, short, reached} of one side. */
export function quorumOf(session, side) {
  const { need, have } = session.quorum[side];
  return { need, have, short: Math.max(0, need - have.length), reached: have.length >= need };
}

/** Who is there, in words. */
export const namesOf = (have) => (have.length ? have.map(({ name }) => name).join(t("and_names")) : t("nobody_there"));

/** "监狱 2/2 ✓" beside each other for the bar of a tile. */
export function quorumChip(side) {
  const words = el("span");
  const spoken = el("span", { class: "unseen" });
  const node = el("span", { class: "chip" }, icon("people"), words, spoken);
  return {
    node,
    update(session) {
      const { need, have, reached } = quorumOf(session, side);
      mark(node, "level", reached ? "good" : "bad");
      put(words, `${t(`side_short_${side}`)} ${have.length}/${need}`);
      const verdict = t(reached ? "quorum_reached" : "quorum_short", { short: need - have.length });
      node.title = [verdict, namesOf(have)].join(t("colon"));
      put(spoken, `${t("quorum")}${t("colon")}${node.title}`);
    },
  };
}

const RECORDING_LEVEL = {
  none: "idle", starting: "wait", writing: "good", lost: "bad", finalizing: "wait", archived: "done", failed: "bad",
};

/** The recording light; it repeats what the recorder says and never guesses. */
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
      // while it is being written the length we last heard of is already wrong
      const length = level === "done" ? ` ${minutesSeconds(Math.floor(recording.seconds) * 1000)}` : "";
      put(words, t(`recording_${recording.state}`) + length);
    },
  };
}

/** Why a session is held or over, in words with the article's code. */
export function reasonOf(session) {
  if (!session.reason) return "";
  const article = session.reason.article ? ` · ${session.reason.article}` : "";
  return inWords(session.reason) + article;
}

export const place = (session, side) => session.sides[side];
export const roomsOf = (session) => ["prison", "visitor"].map((side) => place(session, side).room_name);
