/**
 * The timeline as a picture: a lane for each subject over one scale, with the place that is played. Pointing at an item,
 * or going to it by the arrow keys in its lane, says what it is; a click or Enter plays from there.
 */
import { t } from "../../../i18n/i18n.js";
import { filmTime } from "../../../state/film_time.js";
import { el, put } from "../../dom.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]; // seconds between ticks
const TICKS = 12;
const SHAPES = {
  warning: "M0 -6L6 5H-6z", mute: "M-5 -5H5V5H-5z", hold: "M-5 -6H-1V6H-5zM1 -6H5V6H1z", end: "M-6 -6H6V6H-6z",
  talkback: "M0 -6A6 6 0 1 0 0.1 -6z", other: "M0 -6L6 0L0 6L-6 0z",
};

/** @param {(second: number) => void} onSeek */
export function chartView(onSeek) {
  const rows = el("div", { class: "lanes" });
  const head = el("div", { class: "playhead", "aria-hidden": "true" });
  const tip = el("p", { class: "lane-tip", role: "status" });
  const node = el("div", { class: "chart" }, el("div", { class: "lanes-frame" }, rows, head), tip);
  let length = 0;
  let lanes = [];

  const place = (second) => `${Math.min(100, Math.max(0, (second / length) * 100)).toFixed(3)}%`;

  function say(item) {
    put(tip, item ? `${filmTime(item.at)}　${item.words}` : t("audit_tip"));
    for (const chosen of rows.querySelectorAll(".chosen")) chosen.classList.remove("chosen");
    if (item) shapes.get(item)?.classList.add("chosen");
  }
  let shapes = new Map();

  function laneRow({ key, name, items }) {
    const bar = el("div", { class: "lane-bar", tabindex: "0", role: "group", "aria-label": `${name}${t("colon")}${t("audit_lane_items", { count: items.length })}`, data: { lane: key, arrows: "own" } });
    bar.append(picture(items));
    let at = -1;
    bar.addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight", "Enter"].includes(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      if (event.key === "Enter") return items[at] && onSeek(items[at].at);
      at = Math.min(items.length - 1, Math.max(0, at + (event.key === "ArrowLeft" ? -1 : 1)));
      say(items[at]);
    });
    bar.addEventListener("blur", () => say(null));
    bar.addEventListener("pointermove", (event) => say(itemAt(items, event.target, bar, event.clientX)));
    bar.addEventListener("pointerleave", () => say(null));
    bar.addEventListener("click", (event) => {
      const item = itemAt(items, event.target, bar, event.clientX);
      onSeek(item?.point ? item.at : secondAt(bar, event.clientX));
    });
    return el("div", { class: "lane" }, el("span", { class: "lane-name", title: name }, name), bar);
  }

  function secondAt(bar, x) {
    const { left, width } = bar.getBoundingClientRect();
    return Math.min(length, Math.max(0, ((x - left) / width) * length));
  }

  /** The item under the pointer; a point is found a few pixels beside it, too. */
  function itemAt(items, target, bar, x) {
    const found = [...shapes].find(([, shape]) => shape === target || shape.contains(target));
    if (found) return found[0];
    const second = secondAt(bar, x);
    const near = (6 / bar.clientWidth) * length;
    return items.find((item) => second >= item.at - (item.point ? near : 0) && second <= item.to + (item.point ? near : 0)) ?? null;
  }

  function picture(items) {
    const svg = shape("svg", { class: "lane-picture", "aria-hidden": "true" });
    for (const item of items) {
      const made = item.point ? pointShape(item) : shape("rect", { x: place(item.at), width: place(item.to - item.at), y: "15%", height: "70%", rx: "1" });
      made.setAttribute("class", `item ${item.level}`);
      shapes.set(item, made);
      svg.append(made);
    }
    return svg;
  }

  function pointShape(item) {
    const path = shape("path", { d: SHAPES[item.mark] ?? SHAPES.other, transform: "translate(0 9)" });
    const inner = shape("svg", { x: place(item.at), overflow: "visible" });
    inner.append(path);
    return inner;
  }

  return {
    node,
    /** Draws the lanes of a film of this length anew. */
    update(given, seconds) {
      lanes = given;
      length = Math.max(seconds, 1);
      shapes = new Map();
      rows.replaceChildren(ruler(length, onSeek, secondAt), ...lanes.map(laneRow));
      say(null);
    },
    tick(second) {
      head.style.setProperty("--at", String(length ? Math.min(1, second / length) : 0));
    },
  };
}

/** The scale above the lanes. */
function ruler(length, onSeek, secondAt) {
  const step = STEPS.find((seconds) => length / seconds <= TICKS) ?? STEPS.at(-1);
  const svg = shape("svg", { class: "lane-picture", "aria-hidden": "true" });
  for (let second = 0; second <= length; second += step) {
    const x = `${((second / length) * 100).toFixed(3)}%`;
    svg.append(shape("line", { x1: x, x2: x, y1: "70%", y2: "100%" }));
    const words = shape("text", { x, y: "60%", "text-anchor": second === 0 ? "start" : second + step > length ? "end" : "middle" });
    words.textContent = filmTime(second);
    svg.append(words);
  }
  const bar = el("div", { class: "lane-bar ruler" });
  bar.append(svg);
  bar.addEventListener("click", (event) => onSeek(secondAt(bar, event.clientX)));
  return el("div", { class: "lane" }, el("span", { class: "lane-name" }), bar);
}

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}
