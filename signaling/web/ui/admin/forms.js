/**
 * The dialogs of administration: forms for what is new, and questions before what cannot be undone or needs the own
 * password. Each returns what was filled in, or null when it was cancelled.
 */
import { t } from "../../i18n/i18n.js";
import { ask, reasonField } from "../dialog.js";
import { el } from "../dom.js";

/** A text field; `hint` is the key of what is written under it. */
export const text = (name, attributes = {}, hint = "") => ({
  name, hint, make: (place) => el("input", { id: place, name, required: true, spellcheck: "false", maxlength: "64", ...attributes }),
});
/** An id that people choose: small letters, digits and hyphens. */
export const id = (name = "id") => text(name, { pattern: "[a-z0-9][a-z0-9\\-]{0,62}", autocapitalize: "none", autocomplete: "off" }, "admin_hint_id");
/** A choice; `options` are pairs of value and words. */
export const choice = (name, options, chosen = "") => ({
  name,
  make: (place) => el("select", { id: place, name }, ...options.map(([value, words]) => el("option", { value, selected: value === chosen }, words))),
});
export const reason = { name: "reason", make: () => reasonField() };
export const password = text("password", { type: "password", autocomplete: "current-password", maxlength: "256" });

/** The key of the words of a button or question. */
export const doKey = (what) => `admin_do_${what.replaceAll("-", "_")}`;

/**
 * Asks by a form of these fields.
 * @param {{title: string, where?: string, warning: string, fields: object[], danger?: boolean, values?: object}} question
 *   `values`: what stands in the fields at first
 */
export function askForm({ title, where = "", warning, fields, danger = false, values = {} }) {
  const rows = fields.map((field) => rowOf(field, values[field.name]));
  return ask({
    title, where, warning, confirm: title, note: false, style: danger ? "danger" : "primary",
    middle: el("div", { class: "fields" }, ...rows),
    read: (form) => Object.fromEntries(fields.map(({ name }) => [name, valueOf(form.elements[name])])),
  });
}

/** What was filled in; a password counts with its blanks, what was left empty is null. */
const valueOf = ({ type, value }) => (type === "password" ? value : value.trim()) || null;

function rowOf(field, value) {
  const place = `admin-${field.name}`;
  const input = field.make(place);
  if (field === reason) return input;
  if (value) input.value = value;
  return el("div", { class: "fields" }, el("label", { for: place }, t(`admin_field_${field.name}`)), input,
    ...(field.hint ? [el("p", { class: "quiet small" }, t(field.hint))] : []));
}
