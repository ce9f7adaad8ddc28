/**
 * REST calls of administration: what is read of each part, what is added, and what is done with one of them.
 */
import { json } from "./rest.js";

export const read = {
  changes: () => json("/api/v1/account-changes").then(({ changes }) => changes),
  sites: () => json("/api/v1/sites").then(({ sites }) => sites),
  rooms: () => json("/api/v1/rooms").then(({ rooms }) => rooms),
  terminals: () => json("/api/v1/terminals").then(({ terminals }) => terminals),
  users: () => json("/api/v1/users").then(({ users }) => users),
  keys: () => json("/api/v1/keys").then(({ keys }) => keys),
  packs: () => json("/api/v1/packs").then(({ packs }) => packs),
  health: () => json("/api/v1/health"),
};

const FOLDERS = { changes: "account-changes", users: "users", sites: "sites", rooms: "rooms", terminals: "terminals", keys: "keys" };

/** Adds to a part: a site, a room, a key. */
export const add = (part, form) => json(`/api/v1/${FOLDERS[part]}`, "POST", form);
/** Does something with one of a part, as `rename` with a room. */
export const act = (part, id, what, body) => json(`/api/v1/${FOLDERS[part]}/${encodeURIComponent(id)}/${what}`, "POST", body);
export const invite = (form) => json("/api/v1/invitations", "POST", form);
export const packText = (sha256) => json(`/api/v1/packs/${sha256}`).then(({ canonical }) => canonical);
export const packDifferences = (was, now) => json(`/api/v1/packs/${was}/differences?to=${now}`).then(({ changes }) => changes);
