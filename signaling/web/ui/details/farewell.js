/**
 * The farewell: which side says that it has finished. Its buttons stand among the acts of the desk.
 */
import { t } from "../../i18n/i18n.js";
import { sideKey } from "../../i18n/session_words.js";
import { SIDES } from "../../state/sessions.js";
import { el, icon, keyed, put } from "../dom.js";

/** The words of the sides that stand now. */
export function farewellWords() {
  const rows = new Map();
  const node = el("ul", { class: "farewell", role: "status" });
  return {
    node,
    update(session) {
      const said = session.farewell ?? [];
      const standing = SIDES.map((side) => said.find((word) => word.side === side)).filter(Boolean);
      keyed(node, rows, standing.map((word) => ({ word, session })), ({ word }) => word.side, row);
    },
  };
}

function row() {
  const words = el("span");
  return {
    node: el("li", {}, icon("check"), words),
    update: ({ word, session }) => put(words, wordsOf(session, word)),
  };
}

const wordsOf = (session, { side, room, by }) =>
  t("farewell_of", { side: t(sideKey(session, side)), name: room ? t("farewell_room") : by?.name ?? "" });

/** Words for new and withdrawn words of the sides, for screen readers. */
export function farewellChanged(before, after) {
  const [was, is] = [before, after].map((view) => new Map((view.farewell ?? []).map((word) => [word.side, word])));
  const fresh = [...is.values()].filter(({ side }) => !was.has(side)).map((word) => wordsOf(after, word));
  const gone = after.state === "ended" ? [] : [...was.keys()].filter((side) => !is.has(side));
  return [...fresh, ...gone.map((side) => t("farewell_over", { side: t(sideKey(after, side)) }))];
}
