/** Builds elements. Texts are always text nodes. */
export function el(name, options = {}, ...children) {
  const { class: classes, on = {}, ...attributes } = options;
  const node = document.createElement(name);
  if (classes) node.className = classes;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  for (const [event, handler] of Object.entries(on)) node.addEventListener(event, handler);
  node.append(...children);
  return node;
}

/** Sets the text where it is another one, so that a screen reader reads what is new and nothing else. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Shows one paragraph for each text. */
export function setLines(node, texts) {
  const now = [...node.children].map((child) => child.textContent);
  if (now.length === texts.length && now.every((text, at) => text === texts[at])) return;
  node.replaceChildren(...texts.map((text) => el("p", {}, text)));
}

/** Whether a click came from a finger or a mouse, and not from a key. */
export function byTouch(event) {
  return event.detail > 0 || Boolean(event.pointerType);
}
