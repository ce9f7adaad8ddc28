/**
 * The switches of the screen: language and large text. They are the visit's own: after it, the next people find again
 * what the terminal begins with, which is Chinese and the normal size until an officer chooses otherwise.
 */
const listeners = new Set();

const start = { language: "zh", large: false }; // what each visit begins with
export const settings = { ...start };

/** Calls `listener` after every change. */
export function whenChanged(listener) {
  listeners.add(listener);
}

export function change(changes) {
  Object.assign(settings, changes);
  apply();
  for (const listener of listeners) listener();
}

/** Begins each visit with this language and size from now on. */
export function startWith({ language, large }) {
  Object.assign(start, { language, large });
}

export function reset() {
  if (settings.language !== start.language || settings.large !== start.large) change(start);
}

/** The text in the chosen language, with `{name}` replaced. */
export function say(words, values = {}) {
  const text = words[settings.language];
  return Object.entries(values).reduce((found, [name, value]) => found.replace(`{${name}}`, value), text);
}

function apply() {
  document.documentElement.lang = settings.language === "zh" ? "zh-CN" : "en";
  document.documentElement.classList.toggle("large", settings.large);
}
