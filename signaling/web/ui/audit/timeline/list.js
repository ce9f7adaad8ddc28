/**
 * The timeline as a list in words: what happened, in the order of the film, each line with a button that plays from
 * there; before it how much each side spoke and each officer watched.
 */
import { stretchOf } from "../../../i18n/audit_words.js";
import { t } from "../../../i18n/i18n.js";
import { el } from "../../dom.js";
import { listedItems, shareWords } from "./lanes.js";

/** @param {(second: number) => void} onSeek */
export function listView(onSeek) {
  const node = el("div", { class: "timeline-list" });
  return {
    node,
    update(visit, lanes, length) {
      const items = listedItems(lanes);
      const rows = items.map((item) => el("tr", { data: { lane: item.lane } },
        el("td", {}, el("button", { type: "button", class: "small-button", "aria-label": t("audit_play_from", { at: stretchOf(item) }), on: { click: () => onSeek(item.at) } }, stretchOf(item))),
        el("td", {}, item.words)));
      node.replaceChildren(
        el("ul", { class: "shares" }, ...shareWords(visit, length).map((words) => el("li", {}, words))),
        el("table", {}, el("caption", { class: "unseen" }, t("audit_list")),
          el("thead", { class: "unseen" }, el("tr", {}, el("th", { scope: "col" }, t("audit_when")), el("th", { scope: "col" }, t("audit_what")))),
          el("tbody", {}, ...rows)),
        ...(items.length ? [] : [el("p", { class: "quiet" }, t("audit_list_none"))]));
    },
  };
}
