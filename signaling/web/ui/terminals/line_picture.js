/**
 * A small picture of a room's line over weeks: a bar for each of the last tests, as high as its loss, the newest on the
 * right. Its words are beside it.
 */
import { t } from "../../i18n/i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 40; // tests
const HEIGHT = 24;
const FULL = 0.1; // the share lost that fills the height
const LEAST = 2; // a test without loss is seen, too

/** @param tests of the room, the newest first; null while they are not read */
export function linePicture(tests) {
  const shown = (tests ?? []).filter(({ figures }) => figures.loss_up !== undefined).slice(0, MOST).reverse();
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "line-picture");
  svg.setAttribute("viewBox", `0 0 ${MOST * 3} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  const lossy = shown.filter(({ figures }) => figures.loss_up > 0.02).length;
  svg.setAttribute("aria-label", shown.length ? t("fleet_line_words", { count: shown.length, lossy }) : t("fleet_line_none"));
  shown.forEach(({ figures, passed }, at) => svg.append(bar(figures, passed, MOST - shown.length + at)));
  return svg;
}

function bar({ loss_up: loss }, passed, place) {
  const high = Math.max(LEAST, Math.min(1, loss / FULL) * HEIGHT);
  const rect = document.createElementNS(SVG, "rect");
  const box = { x: place * 3, y: HEIGHT - high, width: 2, height: high, class: passed ? "bar-good" : "bar-bad" };
  for (const [name, value] of Object.entries(box)) rect.setAttribute(name, value);
  return rect;
}
