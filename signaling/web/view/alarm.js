/**
 * The alarm when too few watch, or are about to: a bar that cannot be missed, and a short tone when it begins.
 */
import { el, icon, mark, put, show } from "../dom.js";
import { t } from "../i18n.js";
import { SIDES } from "../sessions.js";
import { dutyTone } from "../sound.js";
import { roomsOf } from "./facts.js";

const REPEAT = 10_000; // while the quorum is lost

/** "lost", "risk" or "" for one session. */
export function dangerOf(session) {
  if (session.state === "held" && session.reason?.code === "quorum_lost") return "lost";
  const begun = session.state === "live" || session.state === "held";
  return begun && SIDES.some((side) => session.quorum[side].at_risk) ? "risk" : "";
}

export function alarmView() {
  const words = el("span");
  const node = el("p", { class: "alarm", role: "alert" }, icon("warn"), words);
  node.hidden = true;
  let level = "";
  let soundedAt = 0;
  return {
    node,
    update(sessions) {
      const lost = sessions.filter((session) => dangerOf(session) === "lost");
      const risk = sessions.filter((session) => dangerOf(session) === "risk");
      const before = level;
      level = lost.length ? "lost" : risk.length ? "risk" : "";
      show(node, level !== "");
      mark(node, "level", level);
      if (level) put(words, t(`alarm_${level}`, { rooms: (lost.length ? lost : risk).map((one) => roomsOf(one).join(" ⇄ ")).join(t("and_names")) }));
      const due = level === "lost" && performance.now() - soundedAt > REPEAT;
      if (level && (level !== before || due)) {
        soundedAt = performance.now();
        dutyTone(level);
      }
    },
  };
}
