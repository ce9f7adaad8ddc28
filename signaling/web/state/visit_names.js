/**
 * Who meets whom in a visit: the prisoner and the county that officers name first, and what sets apart visits that would
 * read alike. Pure; the words are made of it by i18n/session_words.js.
 *
 * Two prisoners of one name, or one prisoner twice a day, are no rarity. A visit that reads like another one of the same
 * list gets as few further facts as are needed, the most telling first.
 */
import { timeOfDay } from "./clock.js";

const SIDES = ["prison", "visitor"];
const MEETS = (person) => person.role !== "interpreter";
/** The facts that set visits apart, the most telling first. */
const FACTS = ["prison", "kin", "room", "time", "farRoom", "id", "fullId"];

/** The names of the people of a side who meet; interpreters are not among them. */
export const partiesOf = (session, side) => (session.sides[side].people ?? []).filter(MEETS).map(({ name }) => name);

/**
 * The two ends of a visit as officers name them.
 * @returns {{near: string[], far: string[], place: string}} the prisoners; those of a second prison (none of a county);
 *   the county's office or the second prison. A drill has no people, so that its prison is named in their place.
 */
export function endsOf(session) {
  const { prison, visitor } = session.sides;
  const near = session.drill ? [] : partiesOf(session, "prison");
  return {
    near: near.length ? near : [prison.site_name],
    far: session.between_inmates && !session.drill ? partiesOf(session, "visitor") : [],
    place: visitor.site_name,
  };
}

/** What a fact says of a visit; for the eye, and to compare. */
const FACT = {
  prison: (session) => session.sides.prison.site_name,
  kin: (session) => (session.drill ? "" : partiesOf(session, "visitor").join("、")),
  room: (session) => session.sides.prison.room_name,
  time: (session) => timeOfDay(session.starts_at),
  farRoom: (session) => session.sides.visitor.room_name,
  id: (session) => session.id.slice(-6),
  fullId: (session) => session.id,
};

/** Texts that differ in blanks, width or case alone read alike. */
const bare = (text) => text.normalize("NFKC").replace(/\s+/g, "").toLowerCase();
const headOf = (session) => {
  const { near, far, place } = endsOf(session);
  return bare(JSON.stringify([Boolean(session.drill), near, far, place]));
};

/**
 * Sets visits apart that would read alike.
 * @param {Array} sessions all that may stand in one list
 * @returns {Map<string, string[]>} session id -> the facts to add, in words; none for most
 */
export function setApart(sessions) {
  const alike = Map.groupBy(sessions, headOf);
  return new Map([...alike.values()].flatMap((group) => {
    const facts = group.length > 1 ? needed(group) : [];
    return group.map((session) => [session.id, facts.map((fact) => FACT[fact](session)).filter(Boolean)]);
  }));
}

/** The first fact that differs in all visits of a group; else as many as do together; ids always differ. */
function needed(group) {
  const differs = (facts) => new Set(group.map((session) => bare(facts.map((fact) => FACT[fact](session)).join("|")))).size;
  const single = FACTS.find((fact) => fact !== "id" && fact !== "fullId" && differs([fact]) === group.length);
  if (single) return [single];
  const chosen = [];
  for (const fact of FACTS.filter((fact) => differs([fact]) > 1)) {
    if (differs([...chosen, fact]) > (chosen.length ? differs(chosen) : 1)) chosen.push(fact);
    if (differs(chosen) === group.length) break;
  }
  return chosen;
}

/** Both rooms by name, the prison's first. */
export const roomsOf = (session) => SIDES.map((side) => session.sides[side].room_name).join(" ⇄ ");
