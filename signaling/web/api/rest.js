/**
 * REST calls of the page: same origin, session cookie, RFC 9457 problem documents as errors.
 */
import { inWords, t } from "../i18n/i18n.js";
import { ServerClock } from "../state/clock.js";

const clock = new ServerClock();

/** The server's time by the latest answer, to the second; null before the first one. */
export const serverNow = () => clock.now();

/** A refusal of the server with words for people. */
export class Problem extends Error {
  constructor(document, status) {
    super(document.code ?? "problem");
    this.document = document;
    this.code = document.code ?? "unknown";
    this.status = status;
  }

  get title() {
    const { title, title_en } = this.document;
    return title ? inWords({ zh: title, en: title_en }) : t("problem_unknown");
  }

  get detail() {
    const { detail, detail_en } = this.document;
    return inWords({ zh: detail ?? "", en: detail_en }) ?? "";
  }
}

/** Returns a failure without an answer of the server; `key` names its words. */
export function localProblem(key, code = key) {
  return {
    code, status: 0,
    get title() { return t(`problem_${key}`); },
    get detail() { return t(`problem_${key}_detail`); },
  };
}

/** Returns anything thrown as a problem with a title and a detail, never a raw stack. */
export function asProblem(error) {
  if (error && "title" in error) return error;
  console.info("unexpected", error?.name); // the class only: messages may hold addresses
  return localProblem("unknown");
}

async function problemOf(response) {
  const type = response.headers.get("content-type") ?? "";
  const body = type.includes("json") ? await response.json().catch(() => ({})) : {};
  if (body.title) return new Problem(body, response.status);
  return Object.assign(localProblem("unknown", `http_${response.status}`), { status: response.status });
}

/**
 * Sends a request and returns the response, or throws a problem.
 * @param {{method?: string, body?: string, type?: string, keepalive?: boolean, timeout?: number, background?: boolean,
 *   once?: string}} options timeout in ms; once: the id under which the request counts once; background: the page asks by itself, which keeps no sign-in from ending that is not used
 */
export async function request(path, { method = "GET", body, type, keepalive = false, timeout = 8000, background = false, once } = {}) {
  const headers = {
    ...(type && { "content-type": type }), ...(background && { "huijian-background": "1" }), ...(once && { "idempotency-key": once }),
  };
  let response;
  try {
    response = await fetch(path, {
      method, body, headers, keepalive,
      credentials: "same-origin", cache: "no-store", redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
  } catch {
    throw localProblem("unreachable"); // no network, no server, or our own timeout
  }
  if (response.headers.has("date")) clock.set(response.headers.get("date"));
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Sends JSON and returns the JSON of the answer, {} where it has none. `once`: the id under which it counts once. */
export async function json(path, method = "GET", value = undefined, once = undefined) {
  const options = value === undefined
    ? { method }
    : { method, body: JSON.stringify(value), type: "application/json", once };
  const response = await request(path, options);
  return response.status === 204 ? {} : response.json();
}

/** Reads what the page reads again and again by itself, which is no use of the sign-in. */
const look = async (path, method = "GET") => (await request(path, { method, background: true })).json();

const session = (id) => `/api/v1/sessions/${encodeURIComponent(id)}`;

/** Signs in by password; the problem `second_factor_needed` carries a ticket for `signInByFactor`. */
export const signIn = async (user, password) => enrolled(await json("/api/v1/sign-in", "POST", { user, password }));
/** @param proof {code} of an authenticator app, {recovery} or {webauthn} */
export const signInByFactor = (ticket, proof) => json("/api/v1/sign-in/factor", "POST", { ticket, proof });
/** The identity services by which officers may sign in; none where the server does not say. */
export const providers = () => json("/api/v1/sign-in/providers").then(({ providers: found }) => found, () => []);
export const signInChallenge = (ticket) => json("/api/v1/sign-in/challenge", "POST", { ticket });
export const signOut = () => json("/api/v1/sign-out", "POST", {});
export const me = async () => {
  const answer = await json("/api/v1/me");
  await enrolled(answer.who);
  return answer;
};

const ACCOUNT = "/account";

/** Leads an officer who has yet to set up a second factor to the one page that is open until then; it never resolves. */
function enrolled(answer) {
  if (!answer.must_enrol || location.pathname === ACCOUNT) return answer;
  location.assign(ACCOUNT);
  return new Promise(() => {});
}

/** All sessions of a day: the server gives 500 at a time. */
export async function sessionsOf(day) {
  const sessions = [];
  for (let next = null, first = true; first || next; first = false) {
    const after = next ? `&after=${encodeURIComponent(next)}` : "";
    const page = await json(`/api/v1/sessions?day=${encodeURIComponent(day)}${after}`);
    sessions.push(...page.sessions);
    next = page.next ?? null;
  }
  return { sessions };
}

export const interventions = (id) => json(`${session(id)}/interventions`);
export const notes = (id) => json(`${session(id)}/notes`);
/** What the documents of one's own side's people are checked against; the server journals each reading. */
export const identities = (id) => look(`${session(id)}/identities`);
/** The alerts of a session, done ones too. */
export const alertsOf = (id) => look(`${session(id)}/alerts`);
export const extensions = (id) => json(`${session(id)}/extensions`);
export const extend = (id, approval) => json(`${session(id)}/extensions`, "POST", approval);
/** The tests of a room's equipment since a moment, the newest first. */
export const testsOf = (room, since) =>
  json(`/api/v1/rooms/${encodeURIComponent(room)}/tests?limit=500&since=${encodeURIComponent(since.toISOString())}`);
export const suspensions = () => look("/api/v1/suspensions");
export const propose = (id, proposal) => json(`${session(id)}/suspensions`, "POST", proposal);
export const decide = (id, decision) => json(`/api/v1/suspensions/${encodeURIComponent(id)}/decide`, "POST", decision);

const at = (kind, id) => `/api/v1/${kind}/${encodeURIComponent(id)}`;
export const rebookings = () => look("/api/v1/rebookings?state=open");
export const declineRebooking = (id, answer) => json(`${at("rebookings", id)}/decline`, "POST", answer);
/** The announcements, and the visits whose stop is not announced yet. */
export const announcements = () => look("/api/v1/announcements");
export const announce = (announcement) => json("/api/v1/announcements", "POST", announcement);
export const fileAnnouncement = (id) => json(`${at("announcements", id)}/file`, "POST", {});
/** Gives the second institution's approval of a slot. */
export const approveSlot = (slot, approval) => json(`${at("slots", slot)}/approve`, "POST", approval);
export const absences = () => look("/api/v1/absences");
export const decideAbsence = (id, decision, answer) =>
  json(`${at("absences", id)}/${decision.replace("_", "-")}`, "POST", answer);

/** The colleagues at their pages who could take over. */
export const colleagues = () => json("/api/v1/colleagues");
export const handOver = (handover) => json("/api/v1/handovers", "POST", handover);
/** @param {"accept" | "decline" | "withdraw"} word */
export const answerHandover = (id, word) => json(`${at("handovers", id)}/${word}`, "POST", {});

/** The fleet, as the page reads it anew by itself. */
export const terminals = () => look("/api/v1/terminals");
export const roomTests = (room) => json(`/api/v1/rooms/${encodeURIComponent(room)}/tests`);
export const orderTerminal = (id, order, body) => json(`${at("terminals", id)}/${order}`, "POST", body);

/** Returns a random id for an object that may be sent twice and shall count once. */
export function newId(kind) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `${kind}_${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Gives an order by REST. `once`: the order's own id, by which the server knows one that it has carried out. */
export const order = (id, type, members, once) => json(`${session(id)}/${type.replaceAll("_", "-")}`, "POST", members, once);
/** Whether an order of this officer was carried out. The page asks by itself. */
export const orderOutcome = (id, order) => look(`${session(id)}/orders/${encodeURIComponent(order)}`);
/** The same of an order that is not wanted any more: should it still arrive, it is refused. */
export const takeOrderBack = (id, order) => look(`${session(id)}/orders/${encodeURIComponent(order)}`, "DELETE");
