/**
 * Seconds of a film in words: "3:07" or "1:02:03"; with a tenth where a place must be exact.
 */
const two = (number) => String(number).padStart(2, "0");

/** Formats seconds of a film as "3:07", or "1:02:03" from an hour on. */
export function filmTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds ?? 0));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Formats a place in a film with its tenth of a second, as "3:07.4". */
export function filmTimeFine(seconds) {
  const tenths = Math.max(0, Math.floor((seconds ?? 0) * 10));
  return `${filmTime(Math.floor(tenths / 10))}.${tenths % 10}`;
}

/** Reads "187", "3:07" or "1:02:03" as seconds; null for anything else. */
export function secondsIn(text) {
  if (!/^\d{1,5}(:[0-5]?\d){0,2}(\.\d+)?$/.test(text.trim())) return null;
  return text.trim().split(":").reduce((total, part) => total * 60 + Number(part), 0);
}
