/**
 * The foot of the desk: every act in its own place, whatever the visit's state. An act that is not possible now stays
 * where it is, disabled, and says why. The farewell stands apart from the stop, which has a row of its own.
 */
import { t } from "../../i18n/i18n.js";
import { shortSideKey } from "../../i18n/session_words.js";
import { whyNot } from "../../state/grounds.js";
import { SIDES, sidesOf } from "../../state/sessions.js";
import { el, icon, put, rename, show, swapIcon } from "../dom.js";
import { farewellWords } from "./farewell.js";

/** @param {{onWarn(), onMute(side), onHold(), onResume(), onStop(), onFinish(), onGoOn(), onWatch()}} actions */
export function actsView(actions) {
  const acts = {
    warn: act("warn", { icon: "warn", style: "hold", key: "W", order: "warn", press: actions.onWarn }),
    hold: act("hold", { hint: "hint_hold", icon: "held", style: "hold", key: "H", order: "hold", press: actions.onHold }),
    resume: act("resume", { icon: "play", key: "R", order: "resume", press: actions.onResume }),
    end: act("end", { hint: "hint_end", icon: "ended", style: "danger stop-button", key: "F9", order: "end", press: actions.onStop }),
    finish: act("propose_finish", { icon: "check", key: "C", order: "finish", press: actions.onFinish }),
    goOn: act("go_on", { icon: "cross", order: "go_on", press: actions.onGoOn }),
  };
  const mutes = SIDES.map((side) => muteAct(side, actions.onMute));
  const said = farewellWords();
  const node = el("section", { class: "acts", tLabel: "actions" },
    el("div", { class: "act-grid" }, ...mutes.map(({ node }) => node), acts.warn.node, acts.hold.node, acts.resume.node),
    el("div", { class: "act-stop" }, acts.end.node),
    el("div", { class: "act-farewell", role: "group", tLabel: "farewell" }, said.node,
      el("div", { class: "act-grid" }, acts.finish.node, acts.goOn.node)));
  return {
    node,
    update(model) {
      const { session, site, farewellCode, mustEnd } = model;
      const why = whyNot(session, model);
      for (const [name, view] of Object.entries(acts)) view.update(why[name]);
      mutes.forEach((view) => view.update(session, site, why.mute));
      const agrees = (session.farewell ?? []).some(({ side }) => side !== sidesOf(session, site)[0]);
      acts.finish.rename(agrees ? "agree_finish" : "propose_finish");
      said.update(session);
      node.dataset.mustEnd = String(Boolean(mustEnd));
      show(node, Boolean(site)); // an approver acts in no visit
    },
  };
}

/** One act: its words, its key, and beneath them a hint, or why it is not possible now. */
function act(words, { icon: sign, hint = "", style = "", key, order, press }) {
  const label = el("span", { class: "act-words", t: words });
  const reason = el("span", { class: "act-why" });
  const keys = key ? { "aria-keyshortcuts": key } : {};
  const node = el("button", { type: "button", class: style, data: { order }, ...keys, on: { click: press } }, icon(sign), label, reason);
  return {
    node,
    rename: (key) => rename(label, key),
    update(why) {
      node.disabled = why !== "";
      put(reason, why ? t(`why_not_${why}`) : hint && t(hint));
    },
  };
}

function muteAct(side, onMute) {
  const label = el("span", { class: "act-words" });
  const reason = el("span", { class: "act-why" });
  const key = side === "prison" ? "M" : "Shift+M";
  const node = el("button", { type: "button", class: "mute", data: { order: "mute" }, "aria-keyshortcuts": key, on: { click: () => onMute(side) } }, icon("sound"), label, reason);
  return {
    node,
    update(session, site, never) {
      const mute = session.muted?.find((entry) => entry.side === side);
      const why = never || (mute && mute.site !== site ? "muted_by_other" : ""); // only the site that muted a side unmutes it
      node.setAttribute("aria-pressed", String(Boolean(mute)));
      node.disabled = why !== "";
      node.title = mute ? t("muted_by", { name: mute.by?.name ?? "" }) : "";
      swapIcon(node, mute ? "muted" : "sound");
      put(label, t(mute ? "unmute_side" : "mute_side", { side: t(shortSideKey(session, side)) }));
      put(reason, why ? t(`why_not_${why}`) : "");
    },
  };
}
