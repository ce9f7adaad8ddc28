/**
 * The light at the top of the page while this page's microphone is being opened or is open.
 */
import { t } from "../../i18n/i18n.js";
import { talkbackKey, visitName } from "../../i18n/session_words.js";
import { el, icon, mark, put, show, swapIcon } from "../dom.js";

/** @param onStop called by the button and by Esc */
export function onAirView(onStop) {
  const words = el("strong");
  const where = el("span");
  const stop = el("button", { type: "button", t: "stop_talkback", on: { click: onStop } });
  const node = el("div", { class: "on-air", data: { reads: "true" }, role: "status", "aria-live": "assertive" }, icon("microphone"), words, where,
    el("kbd", {}, "Esc"), stop);
  const escape = (event) => {
    if (event.key !== "Escape" || node.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    onStop();
  };
  addEventListener("keydown", escape, { capture: true });
  return {
    node,
    update(talkback, session) {
      show(node, talkback.busy);
      mark(document.documentElement, "onAir", talkback.state === "speaking");
      if (!talkback.busy) return;
      mark(node, "talkback", talkback.state);
      swapIcon(node, "microphone");
      put(words, t(talkback.state === "speaking" ? "speaking" : "microphone_opens"));
      const rooms = session ? ` · ${visitName(session)}` : "";
      put(where, `${t(talkbackKey(session ?? {}, talkback.sides))}${rooms}`);
    },
    close() {
      removeEventListener("keydown", escape, { capture: true });
      mark(document.documentElement, "onAir", false);
    },
  };
}
