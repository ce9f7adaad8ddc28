/**
 * Quality of a received side: in short on the tile, and in the details beside what the rooms send and receive.
 */
import { t } from "../../i18n/i18n.js";
import { sideKey } from "../../i18n/session_words.js";
import { bitrate, grade, troubles } from "../../media/quality.js";
import { SIDES, watchable } from "../../state/sessions.js";
import { el, icon, mark, put, rename, show, swapIcon } from "../dom.js";

const LOSS_SHOWN = 0.02; // share of what the room sends from which its loss is shown
const LEVELS = { good: "good", fair: "wait", poor: "bad" };
const ICONS = { good: "check", fair: "warn", poor: "warn" };
const percent = (share, digits = 0) => (share * 100).toFixed(digits);

/** The quality on a picture: nothing while it is good, else the grade and the numbers that are not good. */
export function qualityMark() {
  const line = qualityLine(troubles);
  return {
    node: line.node,
    update(now, sends, sent) {
      line.update(now, sends, sent);
      mark(line.node, "level", now && sends ? LEVELS[grade(now)] : "none");
    },
  };
}

/** The line of the details: the grade and the numbers, those that are not good first. `named`: which numbers it holds. */
function qualityLine(named = (now) => [...troubles(now), ...Object.keys(now)]) {
  const word = el("span");
  const chip = el("span", { class: "grade" }, icon("check"), word);
  const numbers = el("span", { class: "numbers" });
  const uplink = el("span", { class: "uplink" });
  const node = el("span", { class: "line quality" }, chip, numbers, uplink);
  return {
    node,
    /** @param now rates of the last second, or null; @param {boolean} sends whether the room sends */
    update(now, sends, sent) {
      show(chip, Boolean(now) && sends);
      put(uplink, uplinkWords(sent));
      put(numbers, now && sends ? numbersOf(now, named(now)).join(" · ") : "");
      node.title = [numbers.textContent, uplink.textContent].filter(Boolean).join(" · ");
      if (!now || !sends) return;
      const level = grade(now);
      mark(chip, "level", LEVELS[level]);
      swapIcon(chip, now.still ? "frozen" : ICONS[level]);
      put(word, now.still ? t("frozen_now", { seconds: Math.floor(now.still / 1000) }) : t(`grade_${level}`));
    },
  };
}

/** The numbers of these names in words, in their order. */
function numbersOf(now, named) {
  const { kbps, loss, fps, delay, frozen } = now;
  const words = {
    loss: t("q_loss", { loss: percent(loss, 1) }),
    delay: delay === null ? "" : t("q_delay", { delay: Math.round(delay) }),
    kbps: bitrate(kbps),
    fps: t("q_fps", { fps: Math.round(fps) }),
    frozen: t("q_frozen", { frozen: percent(frozen) }),
  };
  const names = [...new Set(named)].filter((name) => name in words);
  return names.map((name) => words[name].replaceAll(" ", "\u00a0")).filter(Boolean); // a number keeps its unit
}

function uplinkWords(sent) {
  const loss = sent?.video?.loss ?? 0;
  return loss > LOSS_SHOWN ? t("upstream_loss", { loss: percent(loss) }) : "";
}

/** The table in the details: each side as received here, as its room sends it, and as the other room receives it. */
export function qualityPart() {
  const rows = SIDES.map(sideRow);
  const node = el("section", { class: "quality-part", "aria-labelledby": "quality-title" },
    el("h3", { id: "quality-title", t: "quality" }), el("dl", {}, ...rows.flatMap(({ nodes }) => nodes)));
  return {
    node,
    update({ session, received, quality }) {
      const open = watchable(session) && SIDES.some((side) => session.sides[side].media);
      show(node, open);
      if (open) rows.forEach((row) => row.update(session, received(row.side), quality));
    },
  };
}

function sideRow(side) {
  const name = el("dt", { t: `side_${side}` });
  const line = qualityLine();
  const sent = el("p", { class: "quiet small" });
  const far = el("p", { class: "quiet small" });
  return {
    side, nodes: [name, el("dd", {}, line.node, sent, far)],
    update(session, now, quality) {
      const sends = session.sides[side].media;
      rename(name, sideKey(session, side));
      line.update(now, sends, null);
      const sending = sends ? quality?.sides[side]?.video : null;
      show(sent, Boolean(sending));
      if (sending) put(sent, t("q_sent", { rate: bitrate(sending.bitrate / 1000), loss: percent(sending.loss, 1) }));
      const room = quality?.viewers?.find((viewer) => viewer.user === null && viewer.side === side);
      show(far, Boolean(room));
      if (room) put(far, t(room.receiving ? "q_far" : "q_far_nothing", { loss: percent(room.loss, 1), jitter: Math.round(room.jitter_ms) }));
    },
  };
}
