/**
 * The farewell: which side says that it has finished, and the officer's button to propose, agree or take it back.
 */
import { t } from "../../i18n/i18n.js";
import { sideKey } from "../../i18n/session_words.js";
import { SIDES, sidesOf } from "../../state/sessions.js";
import { el, icon, keyed, put, show } from "../dom.js";

const GOING_ON = new Set(["live", "held"]);

/** @param {{onFinish(), onGoOn()}} actions */
export function farewellView({ onFinish, onGoOn }) {
  const rows = new Map();
  const list = el("ul", { role: "status" });
  const words = el("span");
  const finish = el("button", { type: "button", class: "primary", "aria-keyshortcuts": "C", on: { click: onFinish } }, icon("check"), words);
  const goOn = el("button", { type: "button", on: { click: onGoOn } }, el("span", { t: "go_on" }));
  const node = el("section", { class: "farewell", tLabel: "farewell" }, list, el("div", { class: "line" }, finish, goOn));
  return {
    node,
    update({ session, site, farewellCode }) {
      const said = session.farewell ?? [];
      const [mine] = sidesOf(session, site);
      const mySide = said.some(({ side }) => side === mine);
      const open = GOING_ON.has(session.state) && Boolean(mine);
      show(node, open);
      show(finish, !mySide && Boolean(farewellCode));
      put(words, t(said.length && !mySide ? "agree_finish" : "propose_finish"));
      show(goOn, mySide);
      const standing = SIDES.map((side) => said.find((word) => word.side === side)).filter(Boolean);
      keyed(list, rows, standing.map((word) => ({ word, session })), ({ word }) => word.side, row);
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
