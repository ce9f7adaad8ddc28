/**
 * Marks and notes at places of the film, each with its author. None is changed or removed: one that was wrong is
 * withdrawn with a reason and stays in the list.
 */
import { codeWords, stretchOf } from "../../../i18n/audit_words.js";
import { onLanguage, t } from "../../../i18n/i18n.js";
import { wholeDate } from "../../../state/clock.js";
import { filmTime, filmTimeFine } from "../../../state/film_time.js";
import { el, put, show } from "../../dom.js";

const KINDS = ["note", "concern", "evidence"];
const LONGEST = 300; // characters

/**
 * @param {{timeNow(): number, onAdd(mark): Promise<boolean>, onWithdraw(mark), onSeek(second)}} actions
 */
export function marksView({ timeNow, onAdd, onWithdraw, onSeek }) {
  const list = el("ol", { class: "mark-list" });
  const none = el("p", { class: "quiet small", t: "audit_marks_none" });
  const kind = el("select", { name: "kind", tLabel: "audit_mark_kind" }, ...KINDS.map((code) => el("option", { value: code, t: `audit_mark_${code}` })));
  const text = el("input", { name: "text", type: "text", maxlength: String(LONGEST), required: true, autocomplete: "off", tLabel: "audit_mark_text" });
  const from = el("output", { class: "small" });
  const to = el("output", { class: "small" });
  const mark = el("button", { type: "button", class: "small-button", t: "audit_mark_here", on: { click: () => begin(timeNow()) } });
  const end = el("button", { type: "button", class: "small-button", t: "audit_mark_to", on: { click: () => finish(timeNow()) } });
  const save = el("button", { type: "submit", class: "primary small-button", t: "audit_mark_save" });
  const form = el("form", { class: "mark-form" }, el("div", { class: "line" }, mark, from, end, to), el("div", { class: "line" }, kind, text, save));
  const node = el("section", { class: "marks", "aria-labelledby": "marks-title" }, el("h2", { id: "marks-title", t: "audit_marks" }), form, none, list);
  let place = null;
  let until = null;
  let marks = [];

  function begin(second) {
    [place, until] = [second, null];
    put(from, filmTimeFine(second));
    put(to, "");
    text.focus();
  }

  function finish(second) {
    if (place === null) place = 0;
    [place, until] = [Math.min(place, second), Math.max(place, second)];
    put(from, filmTimeFine(place));
    put(to, filmTimeFine(until));
    text.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    save.disabled = true;
    const at = place ?? timeNow();
    const made = { at: rounded(at), text: text.value.trim(), kind: kind.value, ...(until === null ? {} : { to: rounded(until) }) };
    if (await onAdd(made)) {
      [place, until, text.value] = [null, null, ""];
      [from, to].forEach((output) => put(output, ""));
    }
    save.disabled = false;
  });

  function row(made) {
    const gone = Boolean(made.withdrawn_at);
    return el("li", { data: { kind: made.kind, gone: String(gone) } },
      el("div", { class: "line" },
        el("button", { type: "button", class: "small-button", "aria-label": t("audit_play_from", { at: filmTime(made.at) }), on: { click: () => onSeek(made.at) } }, stretchOf(made)),
        el("span", { class: "chip", data: { level: { concern: "wait", evidence: "bad" }[made.kind] ?? "done" } }, codeWords("mark", made.kind)),
        el("span", { class: "spring" }),
        ...(gone ? [] : [el("button", { type: "button", class: "bare small", on: { click: () => onWithdraw(made) } }, t("audit_mark_withdraw"))])),
      el(gone ? "s" : "p", { class: "mark-text", dir: "auto" }, made.text),
      el("p", { class: "quiet small" }, `${made.by_name} · ${wholeDate(made.created_at)}${gone ? ` · ${t("audit_mark_gone", { at: wholeDate(made.withdrawn_at), why: made.withdrawn_why ?? "" })}` : ""}`));
  }

  const write = () => {
    list.replaceChildren(...[...marks].sort((a, b) => a.at - b.at).map(row));
    show(none, marks.length === 0);
  };
  const stop = onLanguage(write);
  return {
    node,
    begin,
    update(given) {
      marks = given;
      write();
    },
    close: stop,
  };
}

const rounded = (second) => Math.round(second * 1000) / 1000;
