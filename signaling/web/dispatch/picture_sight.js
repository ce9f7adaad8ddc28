/**
 * The sight of a picture: its size in CSS pixels, and how many per cent of it an officer can see (Yunnan 25).
 *
 * An IntersectionObserver tells what the window and scrolled panes cut off, but not what lies on top. Therefore points of
 * the picture are asked for the element that is drawn there. Only the page measures; the server says what is enough.
 *
 * The picture is what is seen of the room: a 4:3 one in a box of 16:9 is smaller than its box by the bars at its sides.
 */
const COLUMNS = 8; // points in a row: with 5 rows one point is 2.5 % of the picture
const ROWS = 5;
const SETTLED = 200; // ms: a worse sight counts once it has lasted from one check of the page to the next
const CLEAR = 0.3; // alpha of a dialog's backdrop from which the picture behind it counts as covered
const THRESHOLDS = [0, 0.5, 0.85, 0.9, 0.95, 1];

export class PictureSight {
  #observer;
  #shares = new Map(); // video -> share of its picture inside the window and its panes, 0..1
  #sights = new WeakMap(); // video -> {at, before, now}

  /** @param changed called when the window or a pane begins or ceases to cut a picture off */
  constructor(changed) {
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, boundingClientRect: box, intersectionRect: part } of entries) {
        if (this.#shares.has(target)) this.#shares.set(target, shareInside(pictureIn(target, box), part));
      }
      changed();
    }, { threshold: THRESHOLDS });
  }

  /** Observes these videos and no others. */
  follow(videos) {
    const wanted = new Set(videos);
    for (const video of this.#shares.keys()) {
      if (wanted.has(video)) continue;
      this.#observer.unobserve(video);
      this.#shares.delete(video);
    }
    for (const video of videos) {
      if (this.#shares.has(video)) continue;
      this.#shares.set(video, 1); // until the browser has told it, in the next frame
      this.#observer.observe(video);
    }
  }

  /** The sight of a followed video as {width, height, seen}. What lasts less than two checks is no worse sight. */
  of(video) {
    const now = this.#measure(video);
    const last = this.#sights.get(video);
    if (!last) {
      this.#sights.set(video, { at: performance.now(), before: now, now });
      return now;
    }
    if (performance.now() - last.at >= SETTLED) Object.assign(last, { at: performance.now(), before: last.now, now });
    return Object.fromEntries(Object.keys(now).map((name) => [name, Math.max(now[name], last.before[name])]));
  }

  close() {
    this.#observer.disconnect();
    this.#shares.clear();
  }

  #measure(video) {
    const box = pictureIn(video, video.getBoundingClientRect());
    const elsewhere = document.pictureInPictureElement === video;
    const share = elsewhere ? 0 : Math.min(this.#shares.get(video) ?? 1, shareDrawn(video, box));
    return { width: Math.round(box.width), height: Math.round(box.height), seen: Math.floor(share * 100 + 1e-6) };
  }
}

/** The rectangle of a video's picture in its box, in which it keeps its own shape (object-fit: contain). */
function pictureIn(video, box) {
  const { videoWidth: across, videoHeight: down } = video;
  if (!across || !down) return box;
  const scale = Math.min(box.width / across, box.height / down);
  const [width, height] = [across * scale, down * scale];
  return { width, height, left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2 };
}

/** The share of a picture that lies in a part of the window. */
function shareInside({ left, top, width, height }, part) {
  if (!width || !height) return 0;
  const across = Math.min(left + width, part.right) - Math.max(left, part.left);
  const down = Math.min(top + height, part.bottom) - Math.max(top, part.top);
  return (Math.max(0, across) * Math.max(0, down)) / (width * height);
}

/** The share of a picture's points at which its video is the element that is drawn on top. */
function shareDrawn(video, box) {
  if (!box.width || !box.height) return 0;
  let drawn = 0;
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      const x = box.left + (box.width * (column + 0.5)) / COLUMNS;
      const y = box.top + (box.height * (row + 0.5)) / ROWS;
      if (inSight(x, y) && isDrawn(video, x, y)) drawn += 1;
    }
  }
  return drawn / (COLUMNS * ROWS);
}

/** Whether a point of the page is in the part of it that is shown while it is enlarged with two fingers. */
function inSight(x, y) {
  const { offsetLeft, offsetTop, width, height } = visualViewport;
  return x >= offsetLeft && y >= offsetTop && x < offsetLeft + width && y < offsetTop + height;
}

function isDrawn(video, x, y) {
  const top = document.elementFromPoint(x, y);
  if (!top) return false;
  // what belongs to the picture's own edge is made so narrow that it hides nobody
  if (top === video || top.closest(".edge")?.closest(".tile")?.contains(video)) return true;
  return top.matches("dialog:modal") && !within(top.getBoundingClientRect(), x, y) && isClear(top);
}

const within = ({ left, top, right, bottom }, x, y) => x >= left && x < right && y >= top && y < bottom;

/** Whether the backdrop of a modal dialog, which lies over the whole page, lets the picture through. */
function isClear(dialog) {
  const alpha = /^rgba\(.*,\s*([\d.]+)\)$|\/\s*([\d.]+)\)$/.exec(getComputedStyle(dialog, "::backdrop").backgroundColor);
  return alpha !== null && Number(alpha[1] ?? alpha[2]) < CLEAR; // an opaque colour is written without it
}
