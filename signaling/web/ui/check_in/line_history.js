/**
 * The room's line over the last weeks: loss and round trip of each test as two small lines, with the newest figures in
 * words. It is fetched once for each new test.
 */
import { testsOf } from "../../api/rest.js";
import { t } from "../../i18n/i18n.js";
import { el, put, show } from "../dom.js";

const WEEKS = 4;
const WEEK = 7 * 24 * 3600 * 1000; // ms
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 22;
const LINES = {
  loss: { of: ({ loss_up: up, loss_down: down }) => 100 * Math.max(up, down), decimals: 1, least: 1 },
  round_trip: { of: (figures) => figures.round_trip, decimals: 0, least: 50 },
};

export function lineHistory() {
  let shown = "";
  const rows = Object.keys(LINES).map((name) => sparkline(name));
  const node = el("div", { class: "line-history" }, ...rows.map((row) => row.node));
  show(node, false);
  return {
    node,
    /** @param room id of the room @param test id of its last test, "" for none */
    async update(room, test) {
      const wanted = room && test ? `${room} ${test}` : "";
      if (wanted === shown) return;
      shown = wanted;
      const tests = wanted ? await read(room) : [];
      if (wanted !== shown) return; // another room meanwhile
      for (const row of rows) row.draw(tests);
      show(node, tests.length > 1);
    },
  };
}

/** The tests that measured the line, the oldest first; none where the server does not give them now. */
async function read(room) {
  const since = new Date(Date.now() - WEEKS * WEEK);
  try {
    const { tests } = await testsOf(room, since);
    return tests.filter(({ figures }) => figures.loss_up !== undefined && figures.round_trip !== undefined).reverse();
  } catch {
    return []; // the history is no part of the check-in: it goes on without
  }
}

function sparkline(name) {
  const { of, decimals, least } = LINES[name];
  const path = document.createElementNS(SVG, "path");
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  picture.setAttribute("aria-hidden", "true");
  picture.append(path);
  const words = el("span", { class: "quiet small" });
  return {
    node: el("p", { class: "spark" }, words, picture),
    draw(tests) {
      if (tests.length < 2) return;
      const values = tests.map(({ figures }) => of(figures));
      const most = Math.max(least, ...values);
      const times = tests.map(({ at }) => Date.parse(at));
      const [first, span] = [times[0], Math.max(1, times.at(-1) - times[0])];
      const points = values.map((value, each) => {
        const [x, y] = [(times[each] - first) / span * WIDTH, HEIGHT - 1 - value / most * (HEIGHT - 2)];
        return `${x.toFixed(1)} ${y.toFixed(1)}`;
      });
      path.setAttribute("d", `M${points.join("L")}`);
      const [newest, worst] = [values.at(-1), Math.max(...values)].map((value) => value.toFixed(decimals));
      put(words, t(`line_${name}`, { newest, worst, count: values.length }));
    },
  };
}
