/**
 * The quorum alarm: a bar at the top while a quorum is lost or at risk. Its sound is that of its alert.
 */
import { t } from "../../i18n/i18n.js";
import { roomNames } from "../../i18n/session_words.js";
import { SIDES } from "../../state/sessions.js";
import { el, icon, mark, put, show } from "../dom.js";

/** Whether the quorum of a session is "lost", at "risk", or neither (""). */
export function dangerOf(session) {
  if (session.drill) return ""; // it is lost on purpose
  if (session.state === "held" && session.reason?.code === "quorum_lost") return "lost";
  const begun = session.state === "live" || session.state === "held";
  return begun && SIDES.some((side) => session.quorum[side].at_risk) ? "risk" : "";
}

export function quorumAlarm() {
  const words = el("span");
  const node = el("p", { class: "alarm", role: "alert" }, icon("warn"), words);
  node.hidden = true;
  return {
    node,
    update(sessions) {
      const lost = sessions.filter((session) => dangerOf(session) === "lost");
      const risk = sessions.filter((session) => dangerOf(session) === "risk");
      const level = lost.length ? "lost" : risk.length ? "risk" : "";
      show(node, level !== "");
      mark(node, "level", level);
      if (level) put(words, t(`alarm_${level}`, { rooms: (lost.length ? lost : risk).map(roomNames).join(t("and_names")) }));
    },
  };
}
