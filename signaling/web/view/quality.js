/**
 * How well a side is received: on the tile in short, on the desk in full and beside what others receive.
 */
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { t } from "../i18n.js";
import { bitrate, grade, troubles } from "../quality.js";
import { SIDES, watchable } from "../sessions.js";

const LOSS_WORTH_SAYING = 0.02; // of what the room itself sends
const LEVELS = { good: "good", fair: "wait", poor: "bad" };
const ICONS = { good: "check", fair: "warn", poor: "warn" };
const percent = (share, digits = 0) => (share * 100).toFixed(digits);

/** The line under a picture: a word in colour and the numbers, the most telling first. */
export function qualityLine() {
  const word = el("span");
  const chip = el("span", { class: "grade" }, icon("check"), word);
  const numbers = el("span", { class: "numbers" });
  const uplink = el("span", { class: "uplink" });
  const node = el("span", { class: "line quality" }, chip, numbers, uplink);
  return {
    node,
    /** @param numbers of the last second, or null; @param {boolean} sends whether the room does */
    update(now, sends, upstream) {
      show(chip, Boolean(now) && sends);
      put(uplink, uplinkWords(upstream));
      put(numbers, now && sends ? numbersOf(now).join(" · ") : "");
      node.title = [numbers.textContent, uplink.textContent].filter(Boolean).join(" · ");
      if (!now || !sends) return;
      const level = grade(now);
      mark(chip, "level", LEVELS[level]);
      swapIcon(chip, now.still ? "frozen" : ICONS[level]);
      put(word, now.still ? t("frozen_now", { seconds: Math.floor(now.still / 1000) }) : t(`grade_${level}`));
    },
  };
}

/** What is not good stands first: a small tile has no room for more. */
function numbersOf(now) {
  const { kbps, loss, fps, delay, frozen } = now;
  const said = {
    loss: t("q_loss", { loss: percent(loss, 1) }),
    delay: delay === null ? "" : t("q_delay", { delay: Math.round(delay) }),
    kbps: bitrate(kbps),
    fps: t("q_fps", { fps: Math.round(fps) }),
    frozen: t("q_frozen", { frozen: percent(frozen) }),
  };
  const names = new Set([...troubles(now), ...Object.keys(said)]);
  return [...names].map((name) => said[name].replaceAll(" ", "\u00a0")).filter(Boolean); // a number keeps its unit
}

function uplinkWords(upstream) {
  const loss = upstream?.video?.loss ?? 0;
  return loss > LOSS_WORTH_SAYING ? t("upstream_loss", { loss: percent(loss) }) : "";
}

/** The desk's table of one session: each side as I get it, as its room sends it, and as the other room gets it. */
export function qualityPart() {
  const rows = SIDES.map(sideRow);
  const node = el("section", { class: "quality-part", "aria-labelledby": "quality-title" },
    el("h3", { id: "quality-title", t: "quality" }), el("dl", {}, ...rows.flatMap(({ nodes }) => nodes)));
  return {
    node,
    update({ session, received, upstream }) {
      const open = watchable(session) && SIDES.some((side) => session.sides[side].media);
      show(node, open);
      if (open) rows.forEach((row) => row.update(received(row.side), upstream, session.sides[row.side].media));
    },
  };
}

function sideRow(side) {
  const line = qualityLine();
  const sent = el("p", { class: "quiet small" });
  const far = el("p", { class: "quiet small" });
  return {
    side, nodes: [el("dt", { t: `side_${side}` }), el("dd", {}, line.node, sent, far)],
    update(now, upstream, sends) {
      line.update(now, sends, null);
      const sending = sends ? upstream?.sides[side]?.video : null;
      show(sent, Boolean(sending));
      if (sending) put(sent, t("q_sent", { rate: bitrate(sending.bitrate / 1000), loss: percent(sending.loss, 1) }));
      const room = upstream?.viewers?.find((one) => one.user === null && one.side === side);
      show(far, Boolean(room));
      if (room) put(far, t(room.receiving ? "q_far" : "q_far_nothing", { loss: percent(room.loss, 1), jitter: Math.round(room.jitter_ms) }));
    },
  };
}
