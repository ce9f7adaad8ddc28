/**
 * The switches of the screen: language and large text. They are the visit's own: after it, the next people find Chinese
 * and the normal size again.
 */
const listeners = new Set();

export const settings = { language: "zh", large: false };

/** Calls `listener` after every change. */
export function whenChanged(listener) {
  listeners.add(listener);
}

export function change(changes) {
  Object.assign(settings, changes);
  apply();
  for (const listener of listeners) listener();
}

export function reset() {
  if (settings.language !== "zh" || settings.large) change({ language: "zh", large: false });
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
