/**
 * Security keys of the browser (WebAuthn): the server's options in JSON become calls, and the answers JSON again.
 */
import { localProblem } from "./rest.js";

export const hasKeys = () => "PublicKeyCredential" in window && isSecureContext;

/** Lets the officer choose a new key; resolves with the members of the request that adds it. */
export async function createKey({ options, state }) {
  const excludeCredentials = (options.excludeCredentials ?? []).map(descriptor);
  const user = { ...options.user, id: bytes(options.user.id) };
  const made = await touched(() => navigator.credentials.create({
    publicKey: { ...options, challenge: bytes(options.challenge), user, excludeCredentials },
  }));
  return { state, id: made.id, client_data: text(made.response.clientDataJSON), attestation: text(made.response.attestationObject) };
}

/** Lets the officer touch a key; resolves with a proof for the server. */
export async function useKey({ options, state }) {
  const allowCredentials = (options.allowCredentials ?? []).map(descriptor);
  const shown = await touched(() => navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials },
  }));
  const { clientDataJSON, authenticatorData, signature } = shown.response;
  return { webauthn: { state, id: shown.id, client_data: text(clientDataJSON), authenticator_data: text(authenticatorData), signature: text(signature) } };
}

/** A key that was not touched, or was refused by the browser, as a problem in words. */
async function touched(ask) {
  try {
    return await ask();
  } catch {
    throw localProblem("key_not_shown");
  }
}

const descriptor = (credential) => ({ ...credential, id: bytes(credential.id) });

function bytes(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
