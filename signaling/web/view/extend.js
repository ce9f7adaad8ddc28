/**
 * What was approved of longer visits, the button of those who may approve, and its dialog.
 */
import { timeOfDay } from "../clock.js";
import { el, icon, keyed, put, show } from "../dom.js";
import { inWords, t } from "../i18n.js";
import { ask } from "./dialog.js";
import { reasonPart } from "./suspend.js";

/** Minutes, or seconds where they are not whole minutes. */
export function span(seconds) {
  return seconds % 60 ? t("span_seconds", { seconds }) : t("span_minutes", { minutes: seconds / 60 });
}

/** @param {{onExtend()}} acts */
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
      const given = session.extensions ?? [];
      show(node, given.length > 0 || mayExtend);
      show(button, mayExtend);
      show(until, given.length > 0 && Boolean(session.stops_at));
      put(until, session.stops_at ? t("extended_until", { time: timeOfDay(session.stops_at) }) : "");
      keyed(list, rows, given, ({ id }) => id, row);
    },
  };
}

function row() {
  const words = el("p");
  const who = el("span", { class: "quiet small" });
  return {
    node: el("li", {}, words, who),
    update(one) {
      put(words, `${t("extended_by", { span: span(one.seconds) })}${one.reason ? `${t("colon")}${one.reason}` : ""}`);
      put(who, `${timeOfDay(one.at)} · ${one.article} · ${one.by?.name ?? ""}`);
    },
  };
}

/**
 * @param {{where: string, rules: object}} what
 * @returns {Promise<{seconds: number, article: string, reason: string} | null>}
 */
export function askExtension({ where, rules }) {
  const reason = reasonPart();
  return ask({
    title: t("ask_extend"), where, warning: t("ask_extend_warning"), confirm: t("confirm_extend"), style: "primary", note: false,
    middle: el("div", { class: "extend-form" }, stepsPart(rules.steps), groundsPart(rules.grounds), reason),
    read: (form) => ({
      seconds: Number(form.elements.seconds.value), article: form.elements.article.value, reason: reason.value.trim(),
    }),
  });
}

function stepsPart(steps) {
  return el("fieldset", { class: "warn-sides" }, el("legend", {}, t("extend_by")),
    ...steps.map((seconds) => el("label", {},
      el("input", { type: "radio", name: "seconds", value: String(seconds), required: true }), el("span", {}, span(seconds)))));
}

function groundsPart(grounds) {
  return el("div", { class: "codes", role: "radiogroup", "aria-label": t("choose_article") },
    ...grounds.map((ground) => el("label", { class: "code" },
      el("input", { type: "radio", name: "article", value: ground.code, required: true }),
      el("span", { class: "code-name" }, ground.code), el("span", { class: "code-title" }, inWords(ground)))));
}

/** What has changed of longer visits, in words for those who do not see it. */
export function extensionsChanged(before, after) {
  const known = new Set((before.extensions ?? []).map(({ id }) => id));
  return (after.extensions ?? []).filter(({ id }) => !known.has(id)).map(({ seconds }) => t("extended_by", { span: span(seconds) }));
}
