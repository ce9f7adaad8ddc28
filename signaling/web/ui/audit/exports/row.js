/**
 * One request to hand a recording over (移交): who asked for whom and why, how far it is, and what may be done about it.
 */
import { packageOf } from "../../../api/audit.js";
import { inWords, onLanguage, t } from "../../../i18n/i18n.js";
import { visitFragment } from "../../../state/audit_query.js";
import { wholeDate } from "../../../state/clock.js";
import { isToDecide } from "../../../state/inbox.js";
import { el } from "../../dom.js";
import { Remaining } from "./remaining.js";

const LEVELS = { requested: "wait", approved: "done", building: "done", ready: "good", refused: "bad", failed: "bad" };
const OPEN = new Set(["requested", "approved", "building", "ready"]);
const GOING = new Set(["approved", "building"]);

/** Whether a request changes by itself. */
export const isGoing = ({ state }) => GOING.has(state);

/** Which steps an officer may take; the server checks it again. */
export function stepsOf(request, me) {
  const steps = [];
  if (isToDecide(request, me)) steps.push("approve", "refuse");
  if (request.state === "failed") steps.push("build");
  if (OPEN.has(request.state) && [request.by.id, request.decided_by?.id].includes(me)) steps.push("withdraw");
  return steps;
}

/** @param {string} me the auditor's id @param {boolean} linked whether the row leads to its visit */
export function exportRow(me, linked, onStep) {
  const node = el("li", { class: "export-row" });
  const remaining = new Remaining();
  let shown = null;
  let left = null; // seconds

  function write() {
    if (!shown) return;
    const held = node.contains(document.activeElement) ? document.activeElement.dataset.do : null;
    node.replaceChildren(...partsOf(shown, left, me, linked, onStep));
    if (held) node.querySelector(`[data-do="${held}"]`)?.focus();
  }

  return {
    node,
    update(request) {
      const before = left;
      left = request.state === "building" ? remaining.after(request.progress, Date.now()) : null;
      if (leftWords(left) === leftWords(before) && JSON.stringify(request) === JSON.stringify(shown)) return;
      shown = request;
      write();
    },
    close: onLanguage(write),
  };
}

/** What is said of the time that the building takes yet. */
function leftWords(seconds) {
  if (seconds === null) return t("audit_export_left_unknown");
  return seconds < 60 ? t("audit_export_left_short") : t("audit_export_left", { minutes: Math.ceil(seconds / 60) });
}

function progressOf(request, left) {
  if (request.state === "approved") return [el("p", { class: "quiet small" }, t("audit_export_waits"))];
  if (request.state !== "building") return [];
  const words = `${t("audit_export_percent", { percent: Math.round(request.progress * 100) })}${t("and_then")}${leftWords(left)}`;
  return [el("progress", { max: "1", value: String(request.progress), "aria-label": t("audit_export_progress") }),
    el("p", { class: "quiet small" }, words), el("p", { class: "quiet small" }, t("audit_export_gives_way"))];
}

function partsOf(request, left, me, linked, onStep) {
  const chip = el("span", { class: "chip", data: { level: LEVELS[request.state] ?? "" } }, t(`audit_export_state_${request.state}`));
  const steps = stepsOf(request, me).map((step) => el("button", { type: "button", class: "small-button", data: { do: step }, on: { click: () => onStep(request, step) } }, t(`audit_export_${step}`)));
  const made = [
    el("div", { class: "line" }, chip, el("strong", { dir: "auto" }, request.receiver), el("span", { class: "spring" }),
      ...(linked ? [el("a", { href: `#${visitFragment(request.session)}`, data: { do: "visit" } }, t("audit_export_visit"))] : [])),
    el("p", { class: "mark-text", dir: "auto" }, request.reason),
    el("p", { class: "quiet small" }, `${t("audit_export_by", { name: request.by.name, at: wholeDate(request.at) })}${decisionOf(request)}`),
  ];
  if (request.downloaders.length) made.push(el("p", { class: "quiet small" }, t("audit_export_downloaders", { names: request.downloaders.map(({ name }) => name).join(t("and_then")) })));
  made.push(...progressOf(request, left));
  if (request.failure) made.push(el("p", { class: "export-trouble" }, inWords({ zh: request.failure_zh, en: request.failure_en })));
  if (request.sound === false) made.push(el("p", { class: "export-trouble" }, t("audit_export_unsound")));
  if (request.state === "ready") made.push(el("p", { class: "small" }, t("audit_export_until", { at: request.expires_at ? wholeDate(request.expires_at) : "" })));
  const download = request.state === "ready" && request.mine
    ? [el("a", { class: "download", href: packageOf(request.id), download: "", data: { do: "download" } }, t("audit_export_download", { size: sizeOf(request.bytes ?? 0) }))] : [];
  if (steps.length || download.length) made.push(el("div", { class: "line" }, ...download, ...steps));
  return made;
}

function decisionOf({ decided_by: by, decided_at: at, note }) {
  if (!by) return "";
  return `${t("and_then")}${t("audit_export_decided", { name: by.name, at: at ? wholeDate(at) : "" })}${note ? ` (${note})` : ""}`;
}

const sizeOf = (bytes) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
