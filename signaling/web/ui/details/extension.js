/**
 * Extensions of a visit: those approved, what is asked for, and the dialogs of supervisors and approvers.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { citation, citationOf, lengthOf, visitLine } from "../../i18n/session_words.js";
import { timeOfDay } from "../../state/clock.js";
import { ask, reasonField } from "../dialog.js";
import { el, icon, keyed, put, show } from "../dom.js";

/** @param {{onExtend(), onRequestExtension(), onDeclineExtension()}} actions */
export function extensionsView({ onExtend, onRequestExtension, onDeclineExtension }) {
  const rows = new Map();
  const list = el("ul");
  const until = el("p", { class: "quiet small" });
  const asked = el("p", { class: "asked", role: "status" });
  const button = (words, press, style) => el("button", { type: "button", class: style, on: { click: press } }, icon("clock"), el("span", { t: words }));
  const extend = button("extend", onExtend, "primary");
  const decline = button("decline_extension", onDeclineExtension, "small-button");
  const request = button("request_extension", onRequestExtension, "small-button");
  request.dataset.order = "request_extension";
  const node = el("section", { class: "extensions", "aria-labelledby": "extensions-title" },
    el("h3", { id: "extensions-title", t: "extensions" }), list, until, asked, el("div", { class: "line" }, extend, decline, request));
  return {
    node,
    update({ session, mayExtend, mayRequest }) {
      const approved = session.extensions ?? [];
      const wish = session.extension_request;
      show(node, approved.length > 0 || mayExtend || mayRequest || Boolean(wish));
      show(extend, mayExtend);
      show(decline, mayExtend && wish?.state === "open");
      show(request, mayRequest);
      show(until, approved.length > 0 && Boolean(session.stops_at));
      put(until, session.stops_at ? t("extended_until", { time: timeOfDay(session.stops_at) }) : "");
      show(asked, Boolean(wish));
      put(asked, wish ? requestWords(wish) : "");
      keyed(list, rows, approved, ({ id }) => id, row);
    },
  };
}

/** A request in one line: by whom, how much and why, and what came of it. */
export function requestWords(request) {
  const facts = { name: request.by.name, span: lengthOf(request.seconds), reason: request.reason };
  return `${t("extension_request", facts)} · ${t(`extension_is_${request.state}`, { name: request.decided_by?.name ?? "" })}${request.note ? `${t("colon")}${request.note}` : ""}`;
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

/** When a visit ends by itself: by the server's word, or before the first crossing by its start and minutes. */
export const endOf = (session) =>
  new Date(session.stops_at ?? Date.parse(session.starts_at) + minutesOf(session) * 60_000);
const minutesOf = ({ minutes, extensions = [] }) => minutes + extensions.reduce((sum, { seconds }) => sum + seconds / 60, 0);

/**
 * Asks by how much, on what ground and for what reason a visit is made longer; shows whose visit and its new end.
 * @param {{session: object, rules: object, kind: "extend" | "request_extension"}} question a request that waits is the
 *   approver's first proposal
 * @returns {Promise<{seconds: number, article: string, reason: string} | null>}
 */
export function askExtension({ session, rules, kind }) {
  const wish = session.extension_request?.state === "open" ? session.extension_request : null;
  const reason = reasonField();
  reason.value = wish?.reason ?? "";
  const end = el("p", { class: "new-end", role: "status" });
  const steps = stepsPart(rules.steps, wish?.seconds);
  const tell = () => put(end, endWords(session, Number(steps.querySelector("input:checked")?.value ?? 0)));
  steps.addEventListener("change", tell);
  tell();
  return ask({
    title: t(`ask_${kind}`), session, holds: (now) => sameWish(session, now), where: visitLine(session), warning: t(`ask_${kind}_warning`), confirm: t(`confirm_${kind}`), style: "primary", note: false,
    middle: el("div", { class: "long-form" }, ...(wish ? [el("p", {}, requestWords(wish))] : []), steps, end, groundsPart(rules.grounds, wish?.article), reason),
    read: (form) => ({
      seconds: Number(form.elements.seconds.value), article: form.elements.article.value, reason: reason.value.trim(),
    }),
  });
}

/** Whether a visit has the extensions and the open request that it had when it was asked about. */
function sameWish(before, now) {
  const open = ({ extension_request: wish }) => (wish?.state === "open" ? wish.id : "");
  const given = ({ extensions = [] }) => extensions.length;
  return Boolean(now) && open(now) === open(before) && given(now) === given(before);
}

function endWords(session, seconds) {
  const end = endOf(session);
  return t(seconds ? "new_end" : "present_end", { end: timeOfDay(end), next: timeOfDay(new Date(end.getTime() + seconds * 1000)) });
}

/** Asks why a request is declined. @returns {Promise<{reason: string} | null>} */
export function askDeclined(session) {
  const reason = reasonField();
  return ask({
    title: t("decline_extension"), session, holds: (now) => sameWish(session, now), where: visitLine(session), warning: t("ask_decline_extension_warning"), confirm: t("confirm_decide"),
    style: "hold", note: false, middle: el("div", { class: "long-form" }, el("p", {}, requestWords(session.extension_request)), reason),
    read: () => ({ reason: reason.value.trim() }),
  });
}

function stepsPart(steps, chosen) {
  return el("fieldset", { class: "warn-sides" }, el("legend", {}, t("extend_by")),
    ...steps.map((seconds) => el("label", {},
      el("input", { type: "radio", name: "seconds", value: String(seconds), required: true, checked: seconds === chosen }), el("span", {}, lengthOf(seconds)))));
}

function groundsPart(grounds, chosen) {
  return el("div", { class: "codes", role: "radiogroup", "aria-label": t("choose_article") },
    ...grounds.map((ground) => el("label", { class: "code" },
      el("input", { type: "radio", name: "article", value: ground.code, required: true, checked: ground.code === chosen }),
      el("span", { class: "code-title" }, el("strong", { class: "code-name" }, citation(ground)), ` ${inWords(ground)}`))));
}

/** Words for new extensions, for screen readers. */
export function extensionsChanged(before, after) {
  const earlier = new Set((before.extensions ?? []).map(({ id }) => id));
  return (after.extensions ?? []).filter(({ id }) => !earlier.has(id)).map(({ seconds }) => t("extended_by", { span: lengthOf(seconds) }));
}
