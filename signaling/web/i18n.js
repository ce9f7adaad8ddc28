/**
 * Words of the page in Chinese and English.
 *
 * Elements carry the key of their words (data-t, data-t-label, data-t-title), so that switching the
 * language rewrites words in place: no picture restarts and the keyboard focus stays where it is.
 */
import { keep, recall } from "./kept.js";
import { en } from "./words.en.js";
import { zh } from "./words.zh.js";

export const CATALOGS = { zh, en };
const KEY = "huijian.language";
const listeners = new Set();
let current = recall("localStorage", KEY) === "en" ? "en" : "zh";

/** The words for a key; `{name}` in them is replaced from `values`. */
export function t(key, values = {}) {
  const words = CATALOGS[current][key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** The right one of server-made words: {zh, en}. */
export function inWords(both) {
  return (current === "en" && both.en) || both.zh;
}

export const language = () => current;
export const other = () => (current === "zh" ? "en" : "zh");

/** Calls back after each switch of language; returns what stops that. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setLanguage(next) {
  current = next === "en" ? "en" : "zh";
  keep("localStorage", KEY, current);
  translate(document);
  listeners.forEach((listener) => listener(current));
}

/** Rewrites all words under `root` in the current language. */
export function translate(root) {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.ariaLabel = t(node.dataset.tLabel);
  for (const node of root.querySelectorAll("[data-t-title]")) node.title = t(node.dataset.tTitle);
}
