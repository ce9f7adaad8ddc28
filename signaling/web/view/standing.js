/**
 * Where the officer counts and, where not, why: always in sight, because nobody should believe to be on duty who is not.
 */
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { inWords, t } from "../i18n.js";

/** A chip for the bar on top. */
export function standingChip() {
  const words = el("span");
  const node = el("span", { class: "standing", role: "status", id: "standing" }, icon("eye"), words);
  node.hidden = true;
  return {
    node,
    /**
     * @param standing the server's last word, or null before it
     * @param {{roomsOf(id): string, isDuty(id): boolean}} where not being counted for what is only looked at is no fault
     */
    update(standing, { roomsOf, isDuty }) {
      const sessions = (standing?.sessions ?? []).filter(({ session, counted }) => counted || isDuty(session));
      const lacking = sessions.filter(({ counted }) => !counted);
      show(node, sessions.length > 0);
      if (!sessions.length) return;
      mark(node, "level", lacking.length ? "bad" : "good");
      swapIcon(node, lacking.length ? "warn" : "eye");
      put(words, lacking.length ? notCounted(lacking[0]) : t("standing_counted", { count: sessions.length }));
      node.title = sessions.map((one) => `${roomsOf(one.session)}${t("colon")}${wordsOf(one)}`).join("\n");
    },
  };
}

const notCounted = ({ why }) => t("standing_not", { why: inWords(why[0]) });

function wordsOf({ counted, why }) {
  return counted ? t("standing_yes") : why.map(inWords).join(t("and_then"));
}
