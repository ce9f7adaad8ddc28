/**
 * REST calls of the auditors' page. The server journals each of them with the auditor's name.
 */
import { read } from "./admin.js";
import { json, request, terminals } from "./rest.js";

const LONGEST = 660_000; // ms; the server gives a ledger up after ten minutes

const visit = (session) => `/api/v1/visits/${encodeURIComponent(session)}`;
const at = (id) => `/api/v1/exports/${encodeURIComponent(id)}`;
const recording = (session) => `/api/v1/recordings/${encodeURIComponent(session)}`;

/** Reads what the page asks for again and again by itself, which keeps no sign-in from ending that is not used. */
const look = async (path) => (await request(path, { background: true })).json();

/** @param {object} search see state/audit_query.js; in a body, because names must stand in no address */
export const visits = (search) => json("/api/v1/visits/search", "POST", search);
export const visitOf = (session) => json(visit(session));
export const inspect = (session, reason) => json(`/api/v1/sessions/${encodeURIComponent(session)}/inspections`, "POST", { reason });
/** Ends the caller's own inspection of a visit; what is watched or played under it ends with it. */
export async function endInspection({ session, inspections }, me) {
  const own = inspections.filter(({ by, ended_at: ended }) => by.id === me && !ended);
  for (const { id } of own) await json(`/api/v1/sessions/${encodeURIComponent(session)}/inspections/${encodeURIComponent(id)}/end`, "POST", {});
}
export const posterOf = (session) => `${visit(session)}/poster`;

/** The address of a film: `view`, or one of `prison`, `visitor` and `supervisors`, the officers' voices. */
export const filmOf = (session, film) => `${recording(session)}/${film === "view" ? "view" : `sides/${film}`}`;
export const copyOf = (session) => look(`${recording(session)}/copy`);
export const makeCopy = (session) => json(`${recording(session)}/copy`, "POST", {});

export const addMark = (session, mark) => json(`${visit(session)}/marks`, "POST", mark);
export const withdrawMark = (session, id, reason) =>
  json(`${visit(session)}/marks/${encodeURIComponent(id)}/withdraw`, "POST", { reason });
export const rate = (session, rating) => json(`${visit(session)}/ratings`, "POST", rating);
export const relisten = (state) => json(`/api/v1/relisten?state=${state}`);

export const verify = (session) => json(`${visit(session)}/verification`, "POST", {});
export const verification = (session) => look(`${visit(session)}/verification`);

export const exportsOf = (session) => json(`/api/v1/exports${session ? `?session=${encodeURIComponent(session)}` : ""}`);
export const exportOf = (id) => look(at(id));
export const downloadersOf = (session) => json(`${recording(session)}/downloaders`);
export const requestExport = (session, order) => json(`${recording(session)}/exports`, "POST", order);
/** @param {"decide" | "build" | "withdraw"} step */
export const stepExport = (id, step, body) => json(`${at(id)}/${step}`, "POST", body);
export const packageOf = (id) => `${at(id)}/package`;

export const purgePlan = () => json("/api/v1/purge");
export const purgeRun = () => look("/api/v1/purge/run");
export const permitPurge = (recordings) => json("/api/v1/purge/permits", "POST", { recordings });
export const applyPurge = (code) => json("/api/v1/purge/apply", "POST", { code });

/** Whether a role reads a list of places: a procurator has none, and names of others' rooms are none of theirs. */
export const readsPlaces = (role) => role !== "procurator";

/**
 * The places of visits: {site, site_name, room, room_name}. Who reads the register gets all, also sites and rooms that
 * are closed, because their visits are still kept; others get those that have a terminal.
 * @param {string} role
 */
export async function placesOf(role) {
  if (!["auditor", "admin"].includes(role)) return (await terminals()).terminals;
  const [sites, rooms] = await Promise.all([read.sites(), read.rooms()]);
  const names = new Map(sites.map(({ id, name }) => [id, name]));
  return [...sites.map(({ id: site, name }) => ({ site, site_name: name })),
    ...rooms.map(({ id: room, name, site }) => ({ site, site_name: names.get(site), room, room_name: name }))];
}

export const standingHolds = () => json("/api/v1/holds");
export const hold = (session, reason) => json(`${recording(session)}/holds`, "POST", { reason });
export const liftHolds = (session, reason) => json(`${recording(session)}/holds/lift`, "POST", { reason });

/** Has a ledger made; it may take minutes. @returns {Promise<{name, data, signature}>} bytes; signature null where the file has it inside */
export async function ledger({ site, from, to, public: isPublic, format }) {
  const query = new URLSearchParams({ site, from, to, format, public: String(isPublic) });
  const response = await request(`/api/v1/ledgers?${query}`, { timeout: LONGEST });
  const signature = response.headers.get("huijian-signature");
  return {
    name: nameIn(response.headers.get("content-disposition") ?? ""),
    data: await response.arrayBuffer(),
    signature: signature && Uint8Array.from(atob(signature), (letter) => letter.charCodeAt(0)),
  };
}

const nameIn = (disposition) => /filename="([^"]+)"/.exec(disposition)?.[1] ?? "ledger";
