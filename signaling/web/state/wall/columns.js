/**
 * The columns beside the wall: the day's list at the left and the desk at the right. With many visits they fold by
 * themselves, so that the window belongs to the pictures; the officer can open and fold each.
 */
import { readStored, store } from "../storage.js";

const KEY = "huijian.columns";
const NAMES = ["list", "desk"];
const FOLDS_FROM = { list: 5, desk: 7 }; // visits on the wall
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
    return this.#chosen[name] ?? (wallOnly() || visits >= FOLDS_FROM[name] || innerWidth < NEEDS[name]);
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
