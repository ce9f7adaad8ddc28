/**
 * What a visit still lacks. Before it begins this is one line, counted by subject, that opens; of a visit that is held
 * it is the list.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { isBeforeStart, roomOf, SIDES } from "../../state/sessions.js";
import { el, icon, keyed, mark, put, show } from "../dom.js";

/** The subjects in the order in which they are counted, each with the codes that are about it. */
const SUBJECTS = [
  ["people", /_(check_in|letter)$|^(eligibility|interpreter|second_approval)$/],
  ["rooms", /_(media|subscription|film|seat)$/],
  ["equipment", /_self_test$/],
  ["rules", /_rules$/],
  ["officers", /_quorum$/],
  ["system", /./],
];

export function missingPart() {
  const rows = new Map();
  let phase = "";
  const summary = el("summary");
  const list = el("ul");
  const folded = el("details", {}, summary, list);
  const node = el("section", { class: "missing", tLabel: "missing" }, folded);
  return {
    node,
    update({ session }) {
      const shown = session.reason?.code; // the head shows it already
      const items = session.state === "ended" ? [] : session.missing.filter(({ code }) => code !== shown);
      show(node, items.length > 0);
      const before = isBeforeStart(session);
      if (phase !== (phase = `${session.id} ${before}`)) folded.open = !before;
      mark(node, "lost", SIDES.some((side) => roomOf(session, side) === "lost"));
      put(summary, summaryOf(session, items));
      summary.title = summary.textContent;
      keyed(list, rows, items, (item) => `${item.code}/${item.person ?? item.zh}`, () => {
        const words = el("span");
        return { node: el("li", {}, icon("warn"), words), update: (item) => put(words, inWords(item)) };
      });
    },
  };
}

/** "尚缺：人员 2 · 会见室 1"; a room whose line broke is named first. */
function summaryOf(session, items) {
  const lost = SIDES.filter((side) => roomOf(session, side) === "lost");
  const counts = new Map(SUBJECTS.map(([subject]) => [subject, 0]));
  for (const { code } of items) {
    if (lost.some((side) => code === `${side}_media`)) continue; // it is named as lost
    const [subject] = SUBJECTS.find(([, codes]) => codes.test(code));
    counts.set(subject, counts.get(subject) + 1);
  }
  const parts = [...counts].filter(([, count]) => count).map(([subject, count]) => t(`missing_${subject}`, { count }));
  return t("missing_line", { parts: [...(lost.length ? [t("missing_lost", { count: lost.length })] : []), ...parts].join(" · ") });
}
