/**
 * Geometry of the wall: the rectangles of tiles and pictures for an area, a number of visits and the one that is made
 * larger. Pure.
 *
 * All boxes of pictures are 16:9. The two of a visit stand side by side or one above the other, in the same way in all
 * visits, and whether somebody is in trouble never changes which way. No picture is offered in which an officer could not be
 * counted (broker/presence/sight.py has the law; LEAST repeats its size): an `area` has the `least` width of a box, which is
 * more than LEAST where rooms send pictures of another shape.
 */
export const LEAST = 160; // CSS pixels of width; at 16:9 the height is 90
const SHAPES = [4 / 3, 21 / 9]; // width by height of the narrowest and the widest pictures for which boxes are made larger
export const MOST_VISITS = 9;
const RATIO = 9 / 16; // height of a picture by its width
const SEAM = 2; // px between the two pictures of a visit
const GAP = 6; // px between tiles
const LARGER = [2, 1.8, 1.6, 1.5, 1.4, 1.3, 1.25, 1.2]; // how much wider the picture in trouble is than the others
const BLOCKS = [2, 3]; // rows and columns of a grid that the picture in trouble takes
const ASIDE = [240, 200, LEAST]; // widths of the pictures beside one visit in full

/** The least width of a box in which a picture of any of these shapes (width by height) counts. */
export function leastFor(shapes) {
  const [narrowest, widest] = SHAPES;
  const needed = shapes.map((shape) => Math.min(widest, Math.max(narrowest, shape)))
    .map((shape) => Math.max(LEAST / shape / RATIO, LEAST * RATIO * shape));
  return Math.ceil(Math.max(LEAST, ...needed) - 1e-6);
}

/** How wide and high a tile is whose pictures are `width` wide. */
const tileOf = (width, stacked) => (stacked
  ? { width, height: 2 * width * RATIO + SEAM } : { width: 2 * width + SEAM, height: width * RATIO });

/** The widest picture of a tile that fits into a box; 0 or less where none does. */
const widest = ({ width, height }, stacked) => Math.floor(stacked
  ? Math.min(width, (height - SEAM) / 2 / RATIO) : Math.min((width - SEAM) / 2, height / RATIO));

const cellOf = (area, columns, rows) => ({
  width: (area.width - GAP * (columns - 1)) / columns, height: (area.height - GAP * (rows - 1)) / rows,
});

/** The grid of `count` equal tiles with the widest pictures: {columns, width, stacked}. */
function equalGrid(area, count, ways = [false, true]) {
  let best = null;
  for (const stacked of ways) {
    for (let columns = 1; columns <= count; columns += 1) {
      const width = widest(cellOf(area, columns, Math.ceil(count / columns)), stacked);
      if (!best || width > best.width) best = { columns, width, stacked };
    }
  }
  return best;
}

const leastOf = ({ least = LEAST }) => least;

/** How many visits an area holds with pictures that count, up to nine. */
export function capacity(area) {
  let count = 0;
  while (count < MOST_VISITS && equalGrid(area, count + 1).width >= leastOf(area)) count += 1;
  return count;
}

/** Rectangles of equal tiles, row by row, in the middle of the area from `left` and `top` on. */
function placeGrid(area, count, { columns, width, stacked }, left = 0, top = 0) {
  const tile = tileOf(width, stacked);
  const rows = Math.ceil(count / columns);
  const x0 = left + (area.width - columns * tile.width - GAP * (columns - 1)) / 2;
  const y0 = top + (area.height - rows * tile.height - GAP * (rows - 1)) / 2;
  return Array.from({ length: count }, (_, at) => rectangle(
    x0 + (at % columns) * (tile.width + GAP), y0 + Math.floor(at / columns) * (tile.height + GAP), tile, width, stacked));
}

/** A tile's rectangle with those of its pictures in it. */
function rectangle(x, y, tile, width, stacked) {
  const height = width * RATIO;
  const second = stacked ? [0, height + SEAM] : [width + SEAM, 0];
  return {
    x: Math.round(x), y: Math.round(y), width: tile.width, height: tile.height,
    pictures: [[0, 0], second].map(([left, top]) => ({ x: left, y: top, width, height })),
  };
}

/** All ways to place one larger tile at the start, beside or above the grid of the others. */
function* splits(area, others, factors, stacked) {
  for (const factor of factors) {
    for (const beside of [true, false]) {
      for (let columns = 1; columns <= others; columns += 1) {
        const width = widestOfSplit(area, others, factor, columns, beside, stacked);
        yield { beside, columns, stacked, width, large: Math.floor(width * factor) };
      }
    }
  }
}

/** All ways to place one larger tile in the corner of the grid of the others, over as many rows as columns. */
function* corners(area, others, stacked) {
  for (const block of BLOCKS) {
    for (let columns = block; columns <= others; columns += 1) {
      const rows = Math.max(block, Math.ceil((others + block ** 2) / columns));
      const width = widest(cellOf(area, columns, rows), stacked);
      const cell = tileOf(width, stacked);
      const room = { width: block * (cell.width + GAP) - GAP, height: block * (cell.height + GAP) - GAP };
      yield { block, columns, rows, width, stacked, large: widest(room, stacked) };
    }
  }
}

/** Rectangles of such a grid: the larger tile first, then the others in their order, row by row. */
function placeCorner(area, others, { block, columns, rows, width, stacked, large }) {
  const cells = placeGrid(area, columns * rows, { columns, width, stacked });
  const free = cells.filter((_, at) => at % columns >= block || at >= block * columns);
  const [{ x, y }] = cells;
  return [rectangle(x, y, tileOf(large, stacked), large, stacked), ...free.slice(0, others)];
}

/** The widest picture of the others in a split whose larger picture is `factor` times as wide. */
function widestOfSplit(area, others, factor, columns, beside, stacked) {
  const rows = Math.ceil(others / columns);
  const [wide, high] = stacked ? [1, 2 * RATIO] : [2, RATIO]; // of a tile, by the width of its pictures
  const [seamX, seamY] = stacked ? [0, SEAM] : [SEAM, 0];
  const across = (parts, seams, gaps, room, size) => (room - seams * parts.seam - gaps * GAP) / size;
  const x = { seam: seamX };
  const y = { seam: seamY };
  const limits = beside
    ? [across(x, columns + 1, columns, area.width, (factor + columns) * wide),
      across(y, 1, 0, area.height, factor * high), across(y, rows, rows - 1, area.height, rows * high)]
    : [across(y, rows + 1, rows, area.height, (factor + rows) * high),
      across(x, 1, 0, area.width, factor * wide), across(x, columns, columns - 1, area.width, columns * wide)];
  return Math.floor(Math.min(...limits));
}

/** Rectangles of a split: the larger tile first, then the others in their order. */
function placeSplit(area, others, { beside, columns, stacked, width, large }) {
  const first = tileOf(large, stacked);
  const grid = { columns, width, stacked };
  const rows = Math.ceil(others / columns);
  const tile = tileOf(width, stacked);
  const rest = { width: columns * tile.width + GAP * (columns - 1), height: rows * tile.height + GAP * (rows - 1) };
  const whole = beside
    ? { width: first.width + GAP + rest.width, height: Math.max(first.height, rest.height) }
    : { width: Math.max(first.width, rest.width), height: first.height + GAP + rest.height };
  const left = (area.width - whole.width) / 2;
  const top = (area.height - whole.height) / 2;
  const lead = beside ? [left, top + (whole.height - first.height) / 2] : [left + (whole.width - first.width) / 2, top];
  const start = beside
    ? [left + first.width + GAP, top + (whole.height - rest.height) / 2]
    : [left + (whole.width - rest.width) / 2, top + first.height + GAP];
  return [rectangle(...lead, first, large, stacked), ...placeGrid(rest, others, grid, ...start)];
}

/**
 * Lays the wall out: every visit equal, or the one in trouble larger than all others, which keep their order.
 * @param {{width, height, least?: number}} area in CSS pixels
 * @param {number} count of visits
 * @param {number} spot index of the visit in trouble; -1: there is none
 * @returns {{tiles: Array, stacked: boolean, fits: boolean}} rectangles by index; `fits`: no picture is too small to count
 */
export function wallGeometry(area, count, spot = -1) {
  if (!count) return { tiles: [], stacked: false, fits: true };
  const grid = equalGrid(area, count);
  const { stacked } = grid;
  const fits = grid.width >= leastOf(area);
  const equal = { tiles: placeGrid(area, count, grid), stacked, fits };
  if (spot < 0 || count < 3) return equal;
  const others = count - 1;
  const share = ({ large, width }) => large ** 2 + others * width ** 2;
  const best = [...splits(area, others, LARGER, stacked), ...corners(area, others, stacked)].filter(({ width }) => width >= leastOf(area))
    .reduce((one, other) => (!one || share(other) > share(one) ? other : one), null);
  if (!best) return equal;
  const place = best.block ? placeCorner : placeSplit;
  return { tiles: inOrder(place(area, others, best), spot), stacked, fits };
}

/** Puts the first of the rectangles at the index `spot`. */
function inOrder([first, ...others], spot) {
  return [...others.slice(0, spot), first, ...others.slice(spot)];
}

/**
 * Lays out one visit in full, or one picture of it, with `others` of the officer's duty beside it: a covered picture would
 * not count as watched.
 * @param {"prison" | "visitor" | null} side the picture in full; null: both
 * @returns {{tiles: Array, stacked: boolean, fits: boolean}} the tile in full first
 */
export function zoomGeometry(area, others, side) {
  const least = leastOf(area);
  const candidates = [[area, null]];
  if (others) {
    candidates.length = 0;
    for (const width of ASIDE) candidates.push(...strips(area, others, Math.max(width, least)));
  }
  const rated = candidates.map(([room, strip]) => ({ strip, tile: inFull(room, side, least) }))
    .filter(({ tile }) => tile && tile.pictures.every(({ width }) => width >= least));
  if (!rated.length) return { ...wallGeometry(area, others + 1), fits: false };
  const largest = ({ tile }) => Math.max(...tile.pictures.map(({ width }) => width));
  const { tile, strip } = rated.reduce((one, other) => (largest(other) > largest(one) ? other : one));
  return { tiles: [tile, ...(strip ?? [])], stacked: tile.pictures[1].x === 0, fits: true };
}

/** Strips of small tiles at the right or the foot of the area, each with the room that it leaves. */
function strips(area, others, width) {
  const found = [];
  for (const stacked of [true, false]) {
    const tile = tileOf(width, stacked);
    for (const lines of [1, 2]) {
      const along = Math.ceil(others / lines);
      const right = { width: lines * (tile.width + GAP), height: along * (tile.height + GAP) - GAP };
      if (right.width < area.width && right.height <= area.height) {
        const rest = { width: right.width - GAP, height: area.height };
        found.push([{ width: area.width - right.width, height: area.height },
          placeGrid(rest, others, { columns: lines, width, stacked }, area.width - rest.width, 0)]);
      }
      const foot = { width: along * (tile.width + GAP) - GAP, height: lines * (tile.height + GAP) };
      if (foot.height < area.height && foot.width <= area.width) {
        const rest = { width: area.width, height: foot.height - GAP };
        found.push([{ width: area.width, height: area.height - foot.height },
          placeGrid(rest, others, { columns: along, width, stacked }, 0, area.height - rest.height)]);
      }
    }
  }
  return found;
}

/** The tile of a visit in full, or of one of its pictures with the other one small beside or below it. */
function inFull(room, side, least) {
  if (!side) return placeGrid(room, 1, equalGrid(room, 1))[0];
  const wanted = Math.max(least, Math.min(240, room.width * 0.18));
  const small = Math.floor(wanted);
  const beside = Math.floor(Math.min(room.width - small - SEAM, room.height / RATIO));
  const below = Math.floor(Math.min(room.width, (room.height - SEAM - small * RATIO) / RATIO));
  const isBeside = beside >= below;
  const large = Math.max(beside, below);
  if (large < small) return null;
  const main = { x: 0, y: 0, width: large, height: large * RATIO };
  const other = { x: isBeside ? large + SEAM : 0, y: isBeside ? 0 : main.height + SEAM, width: small, height: small * RATIO };
  const width = isBeside ? large + SEAM + small : large;
  const height = isBeside ? main.height : main.height + SEAM + other.height;
  const pictures = side === "prison" ? [main, other] : [other, main];
  return { x: Math.round((room.width - width) / 2), y: Math.round((room.height - height) / 2), width, height, pictures };
}
