/**
 * Small parts that several views share: the state, a side's quorum in short, the recording light, and the marks of
 * interventions on a picture.
 */
import { t } from "../i18n/i18n.js";
import { citationOf, namesOf, quorumLevel, quorumOf, shortSideKey } from "../i18n/session_words.js";
import { minutesSeconds } from "../state/clock.js";
import { el, icon, keyed, mark, put, swapIcon } from "./dom.js";

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
      mark(node, "level", quorumLevel(session, side));
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

/** Marks on the picture of one side: that it is muted, and that it has not confirmed a warning yet. */
export function pictureMarks(side) {
  const rows = new Map();
  const node = el("ul", { class: "picture-marks" });
  return {
    node,
    update(session) {
      keyed(node, rows, marksOf(session, side), ({ kind }) => kind, markRow);
    },
  };
}

/** The marks of a side now: `kind`, `count` of warnings, and the article and officer for the hint. */
export function marksOf(session, side) {
  const going = session.state !== "ended";
  const mute = going && session.muted?.find((entry) => entry.side === side);
  const waiting = !going ? [] : (session.warnings ?? []).filter(({ sides, acknowledged }) => sides.includes(side) && !acknowledged.includes(side));
  return [
    ...(mute ? [{ kind: "muted", count: 1, of: mute }] : []),
    ...(waiting.length ? [{ kind: "warned", count: waiting.length, of: waiting.at(-1) }] : []),
  ];
}

function markRow() {
  const words = el("span");
  const node = el("li", {}, icon("warn"), words);
  return {
    node,
    update({ kind, count, of }) {
      mark(node, "mark", kind);
      swapIcon(node, kind === "muted" ? "muted" : "warn");
      put(words, kind === "muted" ? t("mark_muted") : t("warning_unconfirmed", { count: count > 1 ? ` ${count}` : "" }));
      node.title = [citationOf(of.article), of.by?.name].filter(Boolean).join(" · ");
    },
  };
}
