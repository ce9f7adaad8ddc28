/**
 * Presence status: for which sessions the officer counts and, where not, why. It is always in sight, so that no officer
 * wrongly believes to count.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { el, icon, mark, put, show, swapIcon } from "../dom.js";

/** The chip in the top bar. */
export function presenceStatus() {
  const words = el("span");
  const node = el("span", { class: "presence-status", role: "status", id: "presence-status" }, icon("eye"), words);
  node.hidden = true;
  return {
    node,
    /**
     * @param presence the server's last message, or null before it
     * @param {{roomNamesOf(id): string, isDuty(id): boolean}} lookup not counting for a session without duty is no fault;
     *   `isStale`: the page is not connected, so that what it was told last says nothing any more
     */
    update(presence, { isStale = false, roomNamesOf, isDuty }) {
      const sessions = (presence?.sessions ?? []).filter(({ session, counted }) => counted || isDuty(session));
      const lacking = sessions.filter(({ counted }) => !counted);
      show(node, sessions.length > 0);
      if (!sessions.length) return;
      mark(node, "level", isStale ? "stale" : lacking.length ? "bad" : "good");
      swapIcon(node, isStale || lacking.length ? "warn" : "eye");
      if (isStale) put(words, t("presence_unknown"));
      else put(words, lacking.length ? notCounted(lacking[0]) : t("presence_counted", { count: sessions.length }));
      node.title = sessions.map((status) => `${roomNamesOf(status.session)}${t("colon")}${wordsOf(status)}`).join("\n");
    },
  };
}

const notCounted = ({ why }) => t("presence_not", { why: inWords(why[0]) });

function wordsOf({ counted, why }) {
  return counted ? t("presence_yes") : why.map(inWords).join(t("and_then"));
}
