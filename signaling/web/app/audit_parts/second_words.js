/**
 * What waits for an auditor as the second person, counted again and again on the links that lead there.
 */
import { read } from "../../api/admin.js";
import * as audit from "../../api/audit.js";
import { secondWords } from "../../state/inbox.js";

const EVERY = 60_000; // ms between looks

/** @param {string} me the auditor's id @param {(waiting: {exports: number, changes: number}) => void} show */
export function countSecondWords(me, show) {
  async function look() {
    try {
      const [{ exports }, changes] = await Promise.all([audit.exportsOf(null), read.changes()]);
      show(secondWords(me, { exports, changes }));
    } catch {
      // what was shown stays: the page's own reading says that the server is away, or the officer signed out
    }
  }
  const timer = setInterval(look, EVERY);
  return { look, close: () => clearInterval(timer) };
}
