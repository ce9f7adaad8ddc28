/**
 * Values that a browser ("localStorage") or one window ("sessionStorage") keeps for the next load.
 *
 * Storage may be forbidden by the browser's settings, or full. The page then behaves as on the first day.
 */
export function readText(area, key) {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

export function writeText(area, key, text) {
  try {
    globalThis[area].setItem(key, text);
  } catch {
    // the value is only lost for the next load, and storage serves nothing else
  }
}

/** Reads a value that `store` wrote; null where it is missing or not JSON. */
export function readStored(area, key) {
  try {
    return JSON.parse(readText(area, key));
  } catch {
    return null; // other software, or a person, wrote it
  }
}

export const store = (area, key, value) => writeText(area, key, JSON.stringify(value));
