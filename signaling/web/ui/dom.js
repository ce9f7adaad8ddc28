/**
 * Elements of the page: they are built once, and later only what changed is written.
 *
 * Rewriting whole parts would steal the keyboard focus, make screen readers repeat themselves and restart pictures.
 * Therefore every view keeps its elements and calls `put`, `show`, `mark` and `keyed`.
 */
import { t } from "../i18n/i18n.js";

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  clock: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M12 7v5l3.5 2"],
  people: ["M9 11a3.5 3.5 0 1 0 0-7a3.5 3.5 0 0 0 0 7z", "M2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6", "M16 4.5a3.5 3.5 0 0 1 0 6.4", "M18 14.3c2.2.8 3.5 2.7 3.5 5.7"],
  ready: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M8 12.2l2.8 2.8l5.2-5.5"],
  live: ["M4 6h11v12h-11z", "M15 10.5l5.5-3v9l-5.5-3z"],
  held: ["M9 5v14", "M15 5v14"],
  ended: ["M6 6h12v12h-12z"],
  check: ["M5 12.5l4.5 4.5l9.5-10"],
  cross: ["M6 6l12 12", "M18 6l-12 12"],
  warn: ["M12 4l9.5 16.5h-19z", "M12 10v5", "M12 17.8v.2"],
  sound: ["M4 9.5v5h3.5l5 4v-13l-5 4z", "M16 9a4.2 4.2 0 0 1 0 6", "M18.6 6.5a8 8 0 0 1 0 11"],
  muted: ["M4 9.5v5h3.5l5 4v-13l-5 4z", "M16.5 9.5l5 5", "M21.5 9.5l-5 5"],
  eye: ["M2 12c2.5-4.5 6-6.5 10-6.5s7.5 2 10 6.5c-2.5 4.5-6 6.5-10 6.5s-7.5-2-10-6.5z", "M12 9a3 3 0 1 0 0 6a3 3 0 0 0 0-6z"],
  record: ["M12 5a7 7 0 1 0 0 14a7 7 0 0 0 0-14z"],
  link: ["M9.5 14.5l5-5", "M7 11l-2.5 2.5a4.2 4.2 0 0 0 6 6l2.5-2.5", "M17 13l2.5-2.5a4.2 4.2 0 0 0-6-6l-2.5 2.5"],
  play: ["M8 5l11 7l-11 7z"],
  star: ["M12 3.5l2.6 5.5l6 .8l-4.4 4.2l1.1 6l-5.3-3l-5.3 3l1.1-6l-4.4-4.2l6-.8z"],
  enlarge: ["M14 4h6v6", "M20 4l-7 7", "M10 20h-6v-6", "M4 20l7-7"],
  shrink: ["M20 10h-6v-6", "M14 10l7-7", "M4 14h6v6", "M10 14l-7 7"],
  frozen: ["M12 3v18", "M4.2 7.5l15.6 9", "M4.2 16.5l15.6-9"],
  microphone: ["M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3z", "M5.5 11a6.5 6.5 0 0 0 13 0", "M12 17.5v3.5"],
};

/** Builds an icon. It never carries meaning alone: words stand beside it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  for (const d of ICONS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

const WORDS = {
  t: (node, key) => { node.dataset.t = key; node.textContent = t(key); },
  tLabel: (node, key) => { node.dataset.tLabel = key; node.ariaLabel = t(key); },
  tTitle: (node, key) => { node.dataset.tTitle = key; node.title = t(key); },
  on: (node, handlers) => Object.entries(handlers).forEach(([event, f]) => node.addEventListener(event, f)),
  data: (node, values) => Object.assign(node.dataset, values),
};

/** Builds an element. `t*` take word keys, `on` handlers, `data` data-attributes; the rest are attributes. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in WORDS) WORDS[name](node, value);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Writes a text only when it differs. */
export function put(node, text) {
  const words = String(text ?? "");
  if (node.textContent !== words) node.textContent = words;
}

/** Gives an element other words, by their key. */
export function rename(node, key) {
  if (node.dataset.t === key) return;
  node.dataset.t = key;
  put(node, t(key));
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** Sets a data-attribute only when it differs (style sheets select by it). */
export function mark(node, name, value) {
  if (node.dataset[name] !== String(value)) node.dataset[name] = value;
}

/** Replaces the icon of `node` when it is another one. */
export function swapIcon(node, name) {
  const old = node.querySelector("svg");
  if (old?.classList.contains(`icon-${name}`)) return;
  const next = icon(name);
  if (old) old.replaceWith(next);
  else node.prepend(next);
}

/**
 * Keeps the children of `parent` in step with `items`.
 *
 * `views` is the caller's Map from key to {node, update, close?}. Nodes that stay in order are not moved: moving a
 * <video> in the tree would stop it.
 */
export function keyed(parent, views, items, key, make) {
  const wanted = new Set(items.map(key));
  for (const [id, view] of views) {
    if (wanted.has(id)) continue;
    view.close?.();
    view.node.remove();
    views.delete(id);
  }
  let before = null;
  for (const item of items) {
    const id = key(item);
    if (!views.has(id)) views.set(id, make(item));
    const view = views.get(id);
    const place = before ? before.nextSibling : parent.firstChild;
    if (view.node !== place) parent.insertBefore(view.node, place);
    view.update(item);
    before = view.node;
  }
}
