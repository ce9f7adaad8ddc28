/**
 * The order of the entries in the strip of alerts. Pure.
 *
 * The worst visit stands first, except while an officer's pointer or keyboard is in the strip: then every entry keeps its
 * place and its alert, so that no click falls upon another visit or another alert than the one that was aimed at.
 */

/**
 * The entries that the strip shows.
 * @param {Array} entries of open_alerts.js, the worst first
 * @param {Array} before what the strip shows now
 * @param {{room: number, isHeld: boolean}} strip `room`: how many entries it holds; `isHeld`: whether its entries must stay
 * @returns {Array} entries; `isOver`: the alert that an entry was about is not open any more, and it has no button
 */
export function stripOrder(entries, before, { room, isHeld }) {
  if (!isHeld) return entries.slice(0, room);
  const now = new Map(entries.map((entry) => [entry.session.id, entry]));
  const fresh = entries.filter(({ session }) => !before.some((entry) => entry.session.id === session.id));
  return [...before.map((entry) => continued(entry, now.get(entry.session.id))), ...fresh.slice(0, Math.max(0, room - before.length))];
}

/** An entry as it is now, about the alert that it was about. */
function continued(before, now) {
  if (!now) return { ...before, isOver: true, more: 0 };
  if (!before.top) return { ...now, top: null };
  const top = now.open.find(({ key }) => key === before.top.key);
  return top ? { ...now, top } : { ...now, top: before.top, isOver: true, more: now.open.length };
}

/** The id of the visit whose button has the key: the worst one that the strip shows with a button. */
export function keyHolder(entries, shown) {
  const pressed = new Set(shown.filter(({ top, isOver }) => top && !isOver).map(({ session }) => session.id));
  return entries.find(({ session }) => pressed.has(session.id))?.session.id ?? null;
}

/** How bad the worst entry is that has no room in the strip: "grave", "taken", "advisory", or "" where all have. */
export function levelOfRest(entries, shown) {
  const seen = new Set(shown.map(({ session }) => session.id));
  return entries.find(({ session }) => !seen.has(session.id))?.level ?? "";
}
