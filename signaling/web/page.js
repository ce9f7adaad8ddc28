/**
 * The name of this window: what it receives counts for what it shows, and for no other window.
 *
 * Made anew with each load. A stored one would be copied into a duplicated tab, and two windows
 * under one name would take each other's pictures away.
 */
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

export const PAGE = Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => LETTERS[byte % 32]).join("");
