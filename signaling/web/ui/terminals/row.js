/**
 * One terminal as a row of the table, with the orders that the officer may give it.
 */
import { inWords, onLanguage, t } from "../../i18n/i18n.js";
import { dateAndTime } from "../../state/clock.js";
import { el, mark, put, show } from "../dom.js";
import { linePicture } from "./line_picture.js";

const MAY = {
  test: new Set(["approver", "admin"]),
  restart: new Set(["approver", "admin"]),
  assign: new Set(["approver"]),
  release: new Set(["approver"]),
  readmit: new Set(["admin"]),
};
const FITS = {
  test: ({ state }) => state === "active",
  restart: ({ state, in_visit: busy }) => state === "active" && !busy,
  assign: ({ state, duty }) => state === "active" && (duty === "spare" || duty === "replaced"),
  release: ({ duty }) => duty === "stand_in",
  readmit: ({ state }) => state === "conflicted",
};
const SHOWN_ALWAYS = new Set(["test", "restart"]);

export function terminalRow(me, onOrder) {
  let shown = null;
  let tests = null;
  const place = el("th", { scope: "row" });
  const site = el("span", { class: "quiet small" });
  const name = el("strong");
  place.append(name, site);
  const chips = el("div", { class: "fleet-chips" });
  const seen = el("td");
  const test = el("td");
  const line = el("td");
  const temperature = el("td", { class: "left" });
  const version = el("td");
  const next = el("td");
  const buttons = Object.keys(MAY).filter((kind) => MAY[kind].has(me.role)).map((kind) => [kind, el("button", {
    type: "button", class: "small-button", t: `fleet_${kind}`, on: { click: () => onOrder(kind, shown) } })]);
  const waits = el("span", { class: "quiet small" });
  const orders = el("td", {}, el("div", { class: "fleet-orders" }, ...buttons.map(([, button]) => button)), waits);
  const write = () => {
    if (!shown) return;
    put(name, nameOf(shown));
    put(site, `${shown.site_name} · ${t(`fleet_duty_${shown.duty}`)}`);
    chips.replaceChildren(...chipsOf(shown));
    put(seen, shown.last_seen ? dateAndTime(shown.last_seen) : t("fleet_never"));
    put(test, testWords(shown.test));
    mark(test, "level", shown.test && !shown.test.passed ? "bad" : "");
    line.replaceChildren(linePicture(tests), el("span", { class: "small" }, lineWords(shown.line)));
    put(temperature, shown.temperature === null ? "" : `${Math.round(shown.temperature)} °C`);
    put(version, shown.version ?? "");
    put(next, nextWords(shown));
    for (const [kind, button] of buttons) {
      show(button, FITS[kind](shown) || SHOWN_ALWAYS.has(kind));
      button.disabled = !FITS[kind](shown);
      button.ariaLabel = `${t(`fleet_${kind}`)} ${nameOf(shown)}`;
    }
    put(waits, shown.waiting.map(({ order }) => t(`fleet_waits_${order}`)).join(t("and_names")));
  };
  const stopListening = onLanguage(write);
  return {
    node: el("tr", {}, place, el("td", {}, chips), seen, test, line, temperature, version, next, orders),
    update(terminal) {
      shown = terminal;
      write();
    },
    line(found) {
      tests = found;
      write();
    },
    close: stopListening,
  };
}

export const nameOf = ({ room_name: name, room, home, id }) => name || room || home || id.slice(-6).toUpperCase();

function chipsOf(terminal) {
  if (terminal.troubles.length === 0) return [chip("good", t("fleet_well"))];
  return terminal.troubles.map((trouble) => chip(trouble.code === "replaced" ? "wait" : "bad", inWords(trouble)));
}

const chip = (level, words) => el("span", { class: "chip", data: { level } }, words);

function testWords(test) {
  if (!test) return t("fleet_untested");
  const failed = test.checks.filter(({ verdict }) => verdict === "failed").map((check) => inWords(check));
  const words = test.passed ? t("fleet_passed") : failed.join("; ") || t("fleet_failed");
  return `${words} · ${dateAndTime(test.at)}`;
}

function lineWords(line) {
  if (!line) return "";
  const parts = [];
  if (line.loss_up !== null) parts.push(t("q_loss", { loss: (line.loss_up * 100).toFixed(1) }));
  if (line.round_trip !== null) parts.push(`${Math.round(line.round_trip)} ms`);
  else if (line.answer !== null) parts.push(`${Math.round(line.answer)} ms`);
  return parts.join(" · ");
}

function nextWords({ next_visit: visit, in_visit: busy }) {
  if (!visit) return "";
  return busy ? t("fleet_in_visit") : dateAndTime(visit.starts_at);
}
