/**
 * The columns beside the wall: the day's list at the left and the desk at the right. They fold by themselves where the
 * pictures need their room, which depends on the number of visits and on the window, never on what happens in a visit; the
 * officer can open and fold each.
 *
 * In a narrow window two visits have 55 % of the screen without the list, and 30 % with it; four have 48 % without both
 * columns, and 34 % at best with one. One visit is as large with the list as without it.
 */
import { readStored, store } from "../storage.js";

const KEY = "huijian.columns";
const NAMES = ["list", "desk"];
const WIDE = 1700; // px of the window; styles/wall.css widens the columns from there on
const FOLDS_FROM = { narrow: { list: 2, desk: 3 }, wide: { list: 5, desk: 7 } }; // visits on the wall
const NEEDS = { list: 1180, desk: 900 }; // px of the window: less has no room for the column beside pictures

/** Whether this window is a second screen that shows the wall alone. */
export const wallOnly = () => new URLSearchParams(location.search).has("wall");

export class Columns {
  #chosen = {}; // column -> whether the officer has folded it; absent: the page decides
  #isDeskOpened = false; // for one visit, until Esc

  constructor() {
    const stored = readStored("sessionStorage", KEY) ?? {};
    for (const name of NAMES) if (typeof stored[name] === "boolean") this.#chosen[name] = stored[name];
  }

  /** Whether a column is folded beside so many visits. */
  isFolded(name, visits) {
    if (name === "desk" && this.#isDeskOpened) return false;
    const from = FOLDS_FROM[innerWidth < WIDE ? "narrow" : "wide"][name];
    return this.#chosen[name] ?? (wallOnly() || visits >= from || innerWidth < NEEDS[name]);
  }

  /** Folds or opens a column; the window remembers it over a reload. */
  fold(name, folded) {
    this.#isDeskOpened = false;
    this.#chosen[name] = folded;
    store("sessionStorage", KEY, this.#chosen);
  }

  /** Opens the desk for a visit that the officer has chosen. */
  openDesk() {
    this.#isDeskOpened = true;
  }

  /** Folds a desk again that was opened for a visit. @returns whether there was one */
  closeDesk() {
    const wasOpened = this.#isDeskOpened;
    this.#isDeskOpened = false;
    return wasOpened;
  }
}
