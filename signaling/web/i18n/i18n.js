/**
 * The language of the page, and its words in Chinese and English.
 *
 * Elements carry the key of their words (data-t, data-t-label, data-t-title), so that switching the language rewrites the
 * words in place: no picture restarts and the keyboard focus stays where it is.
 */
import { readStored, store } from "../state/storage.js";
import { adminEn } from "./admin.en.js";
import { adminZh } from "./admin.zh.js";
import { auditEn } from "./audit.en.js";
import { auditZh } from "./audit.zh.js";
import { en } from "./words.en.js";
import { zh } from "./words.zh.js";

export const CATALOGS = { zh: { ...zh, ...adminZh, ...auditZh }, en: { ...en, ...adminEn, ...auditEn } };
const KEY = "huijian.language";
const listeners = new Set();
let current = readStored("localStorage", KEY) === "en" ? "en" : "zh";

const PLURALS = { zh: new Intl.PluralRules("zh"), en: new Intl.PluralRules("en") };
const BLANK = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;

/**
 * Returns the words for a key. `{name}` in them is replaced from `values`, `{name|visit|visits}` by the form that belongs to
 * that number.
 */
export function t(key, values = {}) {
  const words = CATALOGS[current][key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  return words.replace(BLANK, (_, name, one, other) => {
    if (other === undefined) return String(values[name] ?? "");
    return PLURALS[current].select(Number(values[name])) === "one" ? one : other;
  });
}

/** Returns the words of the current language from {zh, en} as the server sends them. */
export function inWords(both) {
  return (current === "en" && both.en) || both.zh;
}

export const language = () => current;
export const other = () => (current === "zh" ? "en" : "zh");

/** Calls `listener` after each switch of language, until the returned function is called. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setLanguage(next) {
  current = next === "en" ? "en" : "zh";
  store("localStorage", KEY, current);
  translate(document);
  listeners.forEach((listener) => listener(current));
}

/** Rewrites all words under `root` in the current language. */
export function translate(root) {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  document.title = t(document.body?.dataset.title ?? "title");
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.ariaLabel = t(node.dataset.tLabel);
  for (const node of root.querySelectorAll("[data-t-title]")) node.title = t(node.dataset.tTitle);
}
