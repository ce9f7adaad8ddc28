/**
 * REST calls about the caller's own account: second factors, password, sign-ins, invitations.
 */
import { json } from "./rest.js";

const ME = "/api/v1/me";

export const factors = () => json(`${ME}/factors`);
export const beginTotp = (shown) => json(`${ME}/factors/totp/begin`, "POST", shown);
export const confirmTotp = (body) => json(`${ME}/factors/totp`, "POST", body);
export const beginKey = (shown) => json(`${ME}/factors/webauthn/begin`, "POST", shown);
export const confirmKey = (body) => json(`${ME}/factors/webauthn`, "POST", body);
export const keyChallenge = () => json(`${ME}/factors/challenge`, "POST", {});
export const removeFactor = (id, proof) => json(`${ME}/factors/${encodeURIComponent(id)}/remove`, "POST", { proof });
export const renewCodes = (proof) => json(`${ME}/recovery-codes`, "POST", { proof });
export const changePassword = (password, next) => json(`${ME}/password`, "POST", { password, new: next });
export const sessions = () => json(`${ME}/sessions`);
export const endSession = (id) => json(`${ME}/sessions/${encodeURIComponent(id)}`, "DELETE");
export const identity = () => json(`${ME}/identity`);
export const beginLink = (shown) => json(`${ME}/identity/begin`, "POST", shown);
export const unlink = (password) => json(`${ME}/identity/unlink`, "POST", { password });
export const redeem = (token, password) => json("/api/v1/invitations/redeem", "POST", { token, password });
export const endOthers = () => json(`${ME}/sessions/end-others`, "POST", {});
