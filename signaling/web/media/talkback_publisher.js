/**
 * Talkback (插话): publishes the officer's microphone by WHIP to one room or both.
 *
 * The microphone is opened at the first use and released some time after the last one. It sends only while the server
 * has granted the talkback: the relay drops anything else.
 */
import { asProblem, localProblem, order, Problem, request } from "../api/rest.js";

const CONNECT_LIMIT = 6000;
const IDLE = 60_000; // ms after the last use until the microphone is released
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/** The microphone of this page; it is used in one session at a time. */
export class TalkbackPublisher {
  state = "off"; // off | connecting | ready | asking | speaking
  session = null;
  sides = [];
  #order;
  #changed;
  #complain;
  #connection = null;
  #resource = null;
  #microphone = null;
  #turn = 0; // a step that carries an older one is void
  #opening = null;
  #idle = 0;
  #confirmed = false;

  /** @param {{order(type, members), changed(), complain(problem)}} parts `order` goes by the socket */
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

  /** Sends the microphone to `sides` of `session` under `article`, until `stop`. */
  async start(session, sides, article) {
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
      if (turn !== this.#turn) return; // the step that ended it has ordered the end
      this.#confirmed = false;
      await this.#sender().replaceTrack(this.#microphone);
      if (turn === this.#turn) this.#become("speaking");
    } catch (error) {
      if (turn === this.#turn) this.#silence();
      this.#complain(asProblem(error));
    }
  }

  /** Stops sending at once and tells the server. */
  stop() {
    if (!this.busy) return;
    const asked = this.state !== "connecting";
    const session = this.session;
    this.#silence();
    if (asked && session) this.#endAtServer(session);
  }

  /** Follows the server's view of a session: a talkback that it has ended stops here, too. */
  follow(view, me) {
    if (view.id !== this.session || this.state !== "speaking") return;
    const mine = view.speech?.by?.id === me;
    if (mine) this.#confirmed = true;
    else if (this.#confirmed) this.#silence();
  }

  /** Stops when the socket is lost, because its end could not be ordered any more. */
  handleSocketLost() {
    if (this.busy) this.#silence();
  }

  close() {
    removeEventListener("blur", this.#leave);
    document.removeEventListener("visibilitychange", this.#hidden);
    this.#disconnect();
  }

  #leave = () => this.stop();
  #hidden = () => document.hidden && this.stop();

  #become(state) {
    this.state = state;
    this.#changed();
  }

  #silence() {
    this.#turn += 1;
    this.#sender()?.replaceTrack(null).catch(() => {
      // a closed connection sends nothing either
    });
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#disconnect(), IDLE);
    this.#become(this.#connection ? "ready" : "off");
  }

  async #ask(type, members) {
    try {
      await this.#order(type, members);
    } catch (refusal) {
      throw refusal ? new Problem(refusal, refusal.status) : localProblem("unreachable");
    }
  }

  /** Ends the talkback at the server, by REST where the socket does not answer. */
  async #endAtServer(session) {
    try {
      await this.#order("hush", { session });
    } catch {
      await order(session, "hush", {}).catch((error) => this.#complain(asProblem(error)));
    }
  }

  #sender = () => this.#connection?.getSenders()[0] ?? null;

  /** Resolves when a microphone is connected for this session; calls in between wait for the same one. */
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
    connection.onconnectionstatechange = () => this.#handleState(connection);
  }

  #handleState(connection) {
    if (connection !== this.#connection || connection.connectionState === "connected") return;
    if (connection.connectionState === "disconnected") return; // a lost path may recover by itself
    const wasBusy = this.busy;
    this.#disconnect();
    if (wasBusy) this.#complain(localProblem("microphone_lost"));
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
      // the resource or the server is gone; the closed connection tells the relay as well
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
