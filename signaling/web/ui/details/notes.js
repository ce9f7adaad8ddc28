/**
 * Notes of the visit with their times. A session's view holds their number only; the notes are fetched when it has
 * changed, so that not every change of a session sends all of them.
 */
import * as api from "../../api/rest.js";
import { t } from "../../i18n/i18n.js";
import { minutesSeconds, timeWithSeconds } from "../../state/clock.js";
import { sidesOf, watchable } from "../../state/sessions.js";
import { el, keyed, put, show } from "../dom.js";
import { complain } from "../toast.js";

const LONGEST = 300; // characters

/** @param onNote async (text) -> whether the server took it */
export function notesView(onNote) {
  const rows = new Map();
  const list = el("ol", { class: "note-list" });
  const text = el("input", { name: "note-text", type: "text", maxlength: String(LONGEST), autocomplete: "off", tLabel: "note_text" });
  const button = el("button", { type: "submit", class: "small-button", t: "note_add" });
  const form = el("form", { class: "line note-form" }, text, button);
  const node = el("section", { class: "notes", "aria-labelledby": "notes-title" },
    el("h3", { id: "notes-title", t: "notes" }), form, list);
  let shown = "";

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const words = text.value.trim();
    if (!words) return;
    button.disabled = true;
    if (await onNote(words)) text.value = "";
    button.disabled = false;
  });

  async function fetchNotes(id, key) {
    try {
      const { notes } = await api.notes(id);
      if (shown === key) keyed(list, rows, notes.map((note, at) => ({ ...note, key: `${id}/${at}` })).reverse(), ({ key }) => key, noteRow);
    } catch (error) {
      if (shown === key) shown = ""; // the next change of the session asks again
      complain(api.asProblem(error));
    }
  }

  return {
    node,
    focus() {
      if (form.hidden || node.hidden) return false;
      text.focus();
    },
    update({ session, site }) {
      const count = session.notes ?? 0;
      const key = `${session.id}/${count}`;
      const mayWrite = watchable(session) && sidesOf(session, site).length > 0;
      show(form, mayWrite);
      show(node, mayWrite || count > 0);
      if (key === shown) return;
      if (!shown.startsWith(`${session.id}/`)) keyed(list, rows, [], () => "", noteRow); // another visit's notes
      shown = key;
      if (count) fetchNotes(session.id, key);
    },
  };
}

function noteRow() {
  const time = el("time", { class: "note-time" });
  const words = el("span", { class: "note-words" });
  const by = el("span", { class: "quiet small" });
  return {
    node: el("li", {}, time, words, by),
    update(note) {
      time.dateTime = note.at;
      const mark = note.since_ms === null ? "" : ` (${minutesSeconds(Math.floor(note.since_ms / 1000) * 1000)})`;
      put(time, timeWithSeconds(new Date(note.at)) + mark);
      put(words, note.text);
      put(by, note.by.name);
    },
  };
}
