/**
 * Extensions of a visit: the list of those approved, the approver's button, and its dialog.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { citation, citationOf, lengthOf } from "../../i18n/session_words.js";
import { timeOfDay } from "../../state/clock.js";
import { ask, reasonField } from "../dialog.js";
import { el, icon, keyed, put, show } from "../dom.js";

/** @param {{onExtend()}} actions */
export function extensionsView({ onExtend }) {
  const rows = new Map();
  const list = el("ul");
  const until = el("p", { class: "quiet small" });
  const button = el("button", { type: "button", class: "primary", on: { click: onExtend } }, icon("clock"), el("span", { t: "extend" }));
  const node = el("section", { class: "extensions", "aria-labelledby": "extensions-title" },
    el("h3", { id: "extensions-title", t: "extensions" }), list, until, button);
  return {
    node,
    update({ session, mayExtend }) {
      const approved = session.extensions ?? [];
      show(node, approved.length > 0 || mayExtend);
      show(button, mayExtend);
      show(until, approved.length > 0 && Boolean(session.stops_at));
      put(until, session.stops_at ? t("extended_until", { time: timeOfDay(session.stops_at) }) : "");
      keyed(list, rows, approved, ({ id }) => id, row);
    },
  };
}

function row() {
  const words = el("p");
  const source = el("span", { class: "quiet small" });
  return {
    node: el("li", {}, words, source),
    update(extension) {
      put(words, `${t("extended_by", { span: lengthOf(extension.seconds) })}${extension.reason ? `${t("colon")}${extension.reason}` : ""}`);
      put(source, `${timeOfDay(extension.at)} · ${citationOf(extension.article)} · ${extension.by?.name ?? ""}`);
    },
  };
}

/**
 * Asks by how much, on what ground and for what reason a visit is extended.
 * @param {{where: string, rules: object}} question
 * @returns {Promise<{seconds: number, article: string, reason: string} | null>}
 */
export function askExtension({ where, rules }) {
  const reason = reasonField();
  return ask({
    title: t("ask_extend"), where, warning: t("ask_extend_warning"), confirm: t("confirm_extend"), style: "primary", note: false,
    middle: el("div", { class: "long-form" }, stepsPart(rules.steps), groundsPart(rules.grounds), reason),
    read: (form) => ({
      seconds: Number(form.elements.seconds.value), article: form.elements.article.value, reason: reason.value.trim(),
    }),
  });
}

function stepsPart(steps) {
  return el("fieldset", { class: "warn-sides" }, el("legend", {}, t("extend_by")),
    ...steps.map((seconds) => el("label", {},
      el("input", { type: "radio", name: "seconds", value: String(seconds), required: true }), el("span", {}, lengthOf(seconds)))));
}

function groundsPart(grounds) {
  return el("div", { class: "codes", role: "radiogroup", "aria-label": t("choose_article") },
    ...grounds.map((ground) => el("label", { class: "code" },
      el("input", { type: "radio", name: "article", value: ground.code, required: true }),
      el("span", { class: "code-title" }, el("strong", { class: "code-name" }, citation(ground)), ` ${inWords(ground)}`))));
}

/** Words for new extensions, for screen readers. */
export function extensionsChanged(before, after) {
  const earlier = new Set((before.extensions ?? []).map(({ id }) => id));
  return (after.extensions ?? []).filter(({ id }) => !earlier.has(id)).map(({ seconds }) => t("extended_by", { span: lengthOf(seconds) }));
}
