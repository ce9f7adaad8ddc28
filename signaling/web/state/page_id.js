/**
 * Name of this window. Media that it receives counts for the pictures that it shows, and for no other window.
 *
 * The name is made anew with each load: a stored one would be copied into a duplicated tab, and two windows under one
 * name would replace each other's WHEP resources.
 */
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

export const PAGE = Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => LETTERS[byte % 32]).join("");
