// Signatures inside JSON objects (recorder/evidence/signing.py): Ed25519 over the canonical JSON of all other members.

import { Num, sorted } from "./json.js";
import { hex } from "./sha256.js";

const PEM = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/]{59}=)\n-----END PUBLIC KEY-----\n$/;
export const utf8 = new TextEncoder();

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

// Whether this browser can check signatures at all.
export async function supported() {
  try {
    await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

// Return { id, fingerprint, key } of the key in a file, or null where its name or its bytes are not as they were published.
export async function readKey(name, text) {
  const match = PEM.exec(text);
  if (match === null) return null;
  const der = bytesOf(match[1]);
  if (btoa(String.fromCharCode(...der)) !== match[1]) return null;
  const fingerprint = hex(await crypto.subtle.digest("SHA-256", der.slice(-32)));
  const id = fingerprint.slice(0, 16);
  if (name !== `${id}.pem`) return null;
  try {
    return { id, fingerprint, key: await crypto.subtle.importKey("spki", der, { name: "Ed25519" }, false, ["verify"]) };
  } catch {
    return null;
  }
}

// Return why the signature in `value` proves nothing, "" where it is genuine. `keys`: Map of id to key.
export async function doubt(value, keys) {
  const signature = value.get("signature");
  if (!(signature instanceof Map) || typeof signature.get("algorithm") !== "string") return "unsigned";
  if ([...signature.keys()].sort().join() !== "algorithm,key,value") return "unsigned";
  const key = keys.get(text(signature.get("key")));
  if (key === undefined || signature.get("algorithm") !== "Ed25519") return "key";
  const written = text(signature.get("value"));
  let decoded;
  try {
    decoded = bytesOf(written);
  } catch {
    return "mismatch";
  }
  if (btoa(String.fromCharCode(...decoded)) !== written) return "mismatch";
  const bare = new Map(value);
  bare.delete("signature");
  const right = await crypto.subtle.verify({ name: "Ed25519" }, key.key, decoded, utf8.encode(sorted(bare)));
  return right ? "" : "mismatch";
}

function text(value) {
  return value instanceof Num ? value.text : String(value);
}
