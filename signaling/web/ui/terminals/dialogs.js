/**
 * Dialogs that ask before an order is given to a terminal. Each returns the body of the order, or null when it was
 * cancelled.
 */
import { t } from "../../i18n/i18n.js";
import { ask, reasonField } from "../dialog.js";
import { el } from "../dom.js";
import { nameOf } from "./row.js";

const where = (terminal) => `${terminal.site_name} · ${nameOf(terminal)}`;

/** Asks whether to restart; undefined is the body of an order that has none. */
export async function askRestart(terminal) {
  const answer = await ask({ title: t("fleet_restart"), where: where(terminal), warning: t("fleet_restart_warning"),
    confirm: t("fleet_restart"), style: "primary", note: false });
  return answer && undefined;
}

/** Asks for the reason of a release or of a readmission. */
export function askReason(kind, terminal) {
  return ask({ title: t(`fleet_${kind}`), where: where(terminal), warning: t(`fleet_${kind}_warning`), confirm: t(`fleet_${kind}`),
    style: "primary", note: false, middle: reasonField(), read: reasonOf });
}

/** Asks which room a spare takes over, and why. */
export function askAssign(terminal, terminals) {
  const rooms = terminals.filter(({ site, room }) => room && site === terminal.site);
  const homes = terminal.home && !rooms.some(({ room }) => room === terminal.home) ? [{ room: terminal.home }] : [];
  const select = el("select", { name: "room", required: true, "aria-label": t("fleet_place") },
    ...[...rooms, ...homes].map(({ room, room_name: name }) => el("option", { value: room, selected: room === terminal.home }, name || room)));
  return ask({ title: t("fleet_assign"), where: where(terminal), warning: t("fleet_assign_warning"), confirm: t("fleet_assign"),
    style: "primary", note: false, middle: el("div", { class: "fleet-assign" }, select, reasonField()),
    read: (form) => ({ room: form.elements.room.value, ...reasonOf(form) }) });
}

const reasonOf = (form) => ({ reason: form.elements.reason.value.trim() });
