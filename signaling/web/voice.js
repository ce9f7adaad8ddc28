/**
 * Speaking in (插话): the officer's microphone for one room or both, and the ear for colleagues who speak.
 *
 * The microphone is opened at the first use and given back some time after the last one. It sends only
 * while the server has let us speak: the relay would drop anything else anyway.
 */
import { asProblem, localProblem, order as byRest, Problem, request } from "./api.js";
import { Whep } from "./whep.js";

const CONNECT_LIMIT = 6000;
const IDLE = 60_000; // ms after the last word until the microphone is given back
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/** The microphone of this page; speaks in one session at a time. */
export class Voice {
  state = "off"; // off | connecting | ready | asking | speaking
  session = null;
  sides = [];
  #order;
  #changed;
  #complain;
  #connection = null;
  #resource = null;
  #microphone = null;
  #turn = 0; // whoever carries an older one was told to stop meanwhile
  #opening = null;
  #idle = 0;
  #confirmed = false;

  /** @param {{order(type, what), changed(), complain(problem)}} acts `order` by the socket */
  constructor({ order, changed, complain }) {
    this.#order = order;
    this.#changed = changed;
    this.#complain = complain;
    addEventListener("blur", this.#leave);
    document.addEventListener("visibilitychange", this.#hidden);
  }

  get busy() {
    return this.state === "connecting" || this.state === "asking" || this.state === "speaking";
  }

  /** Speaks to `sides` of `session` under `article`, until `hush`. */
  async speak(session, sides, article) {
    const turn = ++this.#turn;
    clearTimeout(this.#idle);
    const wasReady = this.session === session && this.#connection?.connectionState === "connected";
    this.sides = sides;
    this.#become(wasReady ? "asking" : "connecting");
    try {
      await this.#ready(session);
      if (turn !== this.#turn) return;
      this.#become("asking");
      await this.#ask("speak", { session, sides, article });
      if (turn !== this.#turn) return; // whoever ended it has told the server
      this.#confirmed = false;
      await this.#sender().replaceTrack(this.#microphone);
      if (turn === this.#turn) this.#become("speaking");
    } catch (error) {
      if (turn === this.#turn) this.#stop();
      this.#complain(asProblem(error));
    }
  }

  /** Says nothing more, at once; the server is told. */
  hush() {
    if (!this.busy) return;
    const asked = this.state !== "connecting";
    const session = this.session;
    this.#stop();
    if (asked && session) this.#quietly(session);
  }

  /** The server's word on a session: what it has ended is over here too. */
  hear(view, me) {
    if (view.id !== this.session || this.state !== "speaking") return;
    const mine = view.speech?.by?.id === me;
    if (mine) this.#confirmed = true;
    else if (this.#confirmed) this.#stop();
  }

  /** The socket is gone: nobody could be told to end it. */
  lost() {
    if (this.busy) this.#stop();
  }

  close() {
    removeEventListener("blur", this.#leave);
    document.removeEventListener("visibilitychange", this.#hidden);
    this.#disconnect();
  }

  #leave = () => this.hush();
  #hidden = () => document.hidden && this.hush();

  #become(state) {
    this.state = state;
    this.#changed();
  }

  #stop() {
    this.#turn += 1;
    this.#sender()?.replaceTrack(null).catch(() => {
      // a closed connection sends nothing either
    });
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#disconnect(), IDLE);
    this.#become(this.#connection ? "ready" : "off");
  }

  async #ask(type, what) {
    try {
      await this.#order(type, what);
    } catch (refusal) {
      throw refusal ? new Problem(refusal, refusal.status) : localProblem("unreachable");
    }
  }

  /** Ends it at the server, by REST where the socket does not answer. */
  async #quietly(session) {
    try {
      await this.#order("hush", { session });
    } catch {
      await byRest(session, "hush", {}).catch((error) => this.#complain(asProblem(error)));
    }
  }

  #sender = () => this.#connection?.getSenders()[0] ?? null;

  /** A connected microphone for this session; whoever asks meanwhile waits for the same one. */
  #ready(session) {
    if (this.session === session && this.#connection?.connectionState === "connected") return Promise.resolve();
    if (this.session === session && this.#opening) return this.#opening;
    this.#drop();
    this.session = session;
    this.#opening = this.#open(session).finally(() => { this.#opening = null; });
    return this.#opening;
  }

  async #open(session) {
    this.#microphone = await microphone();
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#connection = connection;
    try {
      connection.addTransceiver("audio", { direction: "sendonly" }).setCodecPreferences(opus());
      await connection.setLocalDescription();
      const path = `/whip/${encodeURIComponent(session)}/voice`;
      const offer = { method: "POST", body: connection.localDescription.sdp, type: "application/sdp" };
      const answer = await request(path, offer);
      this.#resource = answer.headers.get("location");
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      await connected(connection);
    } catch (error) {
      if (this.#connection === connection) this.#drop();
      throw error;
    }
    connection.onconnectionstatechange = () => this.#moved(connection);
  }

  #moved(connection) {
    if (connection !== this.#connection || connection.connectionState === "connected") return;
    if (connection.connectionState === "disconnected") return; // a lost path may heal by itself
    const spoke = this.busy;
    this.#disconnect();
    if (spoke) this.#complain(localProblem("microphone_lost"));
  }

  #disconnect() {
    this.#turn += 1;
    this.#drop();
    this.#become("off");
  }

  #drop() {
    clearTimeout(this.#idle);
    this.#connection?.close();
    this.#microphone?.stop();
    if (this.#resource) request(this.#resource, { method: "DELETE", keepalive: true }).catch(() => {
      // gone already, or the server is: the closed connection tells the relay as well
    });
    this.#connection = this.#microphone = this.#resource = this.session = null;
  }
}

async function microphone() {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: SOUND });
    return stream.getAudioTracks()[0];
  } catch {
    throw localProblem("microphone"); // none there, or not allowed
  }
}

function opus() {
  const codecs = (RTCRtpSender.getCapabilities("audio")?.codecs ?? []).filter((codec) => codec.mimeType === "audio/opus");
  if (!codecs.length) throw localProblem("codec");
  return codecs;
}

function connected(connection) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(localProblem("microphone_lost")), CONNECT_LIMIT);
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "connected") resolve();
      else if (["failed", "closed"].includes(connection.connectionState)) reject(localProblem("microphone_lost"));
      else return;
      clearTimeout(timer);
    };
    if (connection.connectionState === "connected") connection.onconnectionstatechange();
  });
}

/** What colleagues say to the rooms of the session that is listened to. */
export class Ear {
  node = document.createElement("audio");
  #whep = null;
  #session = null;

  constructor() {
    this.node.autoplay = true;
  }

  /** Hears this session from now on, or none (null). */
  follow(session) {
    if (session === this.#session) return;
    this.#whep?.close();
    this.#session = session;
    this.#whep = session && new Whep(session, "voice", () => {}, ["audio"]);
    this.node.srcObject = this.#whep?.stream ?? null;
  }
}
