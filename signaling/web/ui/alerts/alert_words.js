/**
 * Shape and words of an alert, alike in the strip, in the drawer, on tiles and in announcements.
 */
import { inWords } from "../../i18n/i18n.js";
import { visitName } from "../../i18n/session_words.js";

export const TRIANGLE = "warn"; // marks all grave alerts: shape as well as colour distinguishes them
const SHAPES = { drill: "warn", silent: "muted", heads: "people", one_minute: "clock", five_minutes: "clock" };

export const shapeOf = (alert, isGrave) => (isGrave ? TRIANGLE : SHAPES[alert.kind] ?? TRIANGLE);

/** An alert in words with its visit and its room, so that no two read alike. */
export const wordsOf = ({ session, alert }) =>
  [inWords(alert), visitName(session), alert.side ? session.sides[alert.side].room_name : ""].filter(Boolean).join(" · ");
