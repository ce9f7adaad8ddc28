/**
 * Small things that a browser ("localStorage") or one window ("sessionStorage") remembers.
 *
 * Storage may be forbidden by the browser's settings, or full: then things are as on the first day, and nothing else
 * is lost.
 */
export function recall(area, key) {
  try {
    return JSON.parse(globalThis[area].getItem(key));
  } catch {
    return null; // forbidden, or not written by us
  }
}

export function keep(area, key, value) {
  try {
    globalThis[area].setItem(key, JSON.stringify(value));
  } catch {
    // not kept for the next time, which is all that storage is for
  }
}
