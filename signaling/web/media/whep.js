/**
 * WHEP subscription of one side of one session; it reconnects by itself.
 *
 * A supervisor counts while media is received, so a side is subscribed to even while its room sends nothing, and leaving
 * tells the relay at once. A new POST by the same window replaces the old resource; therefore the old connection is
 * closed only when the new answer is there.
 */
import { asProblem, localProblem, request } from "../api/rest.js";
import { PAGE } from "../state/page_id.js";
import { counters, QualityWindow } from "./quality.js";

const DELAYS = [300, 600, 1200, 2500, 5000, 10_000]; // ms between attempts; the last one repeats
const FINAL = new Set([401, 410, 422]); // refusals that another attempt does not change
const CONNECT_LIMIT = 6000;
const GRACE = 2000; // ms: a lost path may recover by itself
const STALL_LIMIT = 3000; // ms without a packet from a room that sends
const STEADY = 15_000; // ms without trouble after which the delays start anew
const LEAVE_LIMIT = 1000;
const BASELINE = /profile-level-id=42e0/i; // constrained baseline

function acceptedCodecs(kind) {
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  if (kind === "audio") return codecs.filter((codec) => codec.mimeType === "audio/opus");
  const h264 = codecs.filter((codec) => codec.mimeType === "video/H264"
    && BASELINE.test(codec.sdpFmtpLine) && /packetization-mode=1/.test(codec.sdpFmtpLine));
  return h264.length ? [...h264, ...codecs.filter((codec) => codec.mimeType === "video/rtx")] : [];
}

const leavings = new Set(); // deletions under way

/** Resolves once all that was left is released, or after a second: a sign-out before would have the deletions refused. */
export const allLeft = () => Promise.race([
  Promise.allSettled([...leavings]), new Promise((resolve) => { setTimeout(resolve, LEAVE_LIMIT); }),
]);

export class Whep {
  stream = new MediaStream();
  state = "connecting"; // connecting | open | stalled | refused | closed
  problem = null;
  rates = null; // of the last second, see media/quality.js
  audio = null; // RTCRtpReceiver of the sound
  #path;
  #kinds;
  #changed;
  #connection = null;
  #resource = null;
  #turn = 0; // a step that carries an older turn is void
  #attempt = 0;
  #timer = 0;
  #meter = 0;
  #last = null;
  #quality = new QualityWindow();
  #grownAt = 0;
  #openedAt = 0;
  #expected = false;
  #over = false; // the server has released the resource itself

  /** @param changed called after every change of the public fields */
  constructor(session, side, changed, kinds = ["audio", "video"]) {
    this.#kinds = kinds;
    this.#path = `/whep/${encodeURIComponent(session)}/${side}?page=${PAGE}`;
    this.#changed = changed;
    this.#meter = setInterval(() => this.#measure(), 1000);
    this.#begin();
  }

  /** Whether the room sends now: only then is silence a fault. */
  expect(media) {
    if (media && !this.#expected) this.#grownAt = performance.now();
    this.#expected = media;
  }

  /** Tries again after a refusal. */
  retry() {
    this.#attempt = 0;
    this.#begin();
  }

  /** Leaves at once, also from a page that is being closed. `over`: the server has released the resource itself. */
  close(over = false) {
    if (this.state === "closed") return;
    this.#over = over;
    this.#turn += 1;
    clearTimeout(this.#timer);
    clearInterval(this.#meter);
    this.#connection?.close();
    if (!over) this.#release(this.#resource);
    this.#become("closed");
  }

  #become(state, problem = null) {
    this.state = state;
    this.problem = problem;
    this.#changed();
  }

  #release(resource) {
    if (!resource) return;
    const leaving = request(resource, { method: "DELETE", keepalive: true }).catch(() => {
      // the resource or the server is gone; the closed connection tells the relay as well
    }).finally(() => leavings.delete(leaving));
    leavings.add(leaving);
  }

  async #begin() {
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    this.#become("connecting");
    let connection = null;
    try {
      connection = this.#offer(turn);
      await this.#negotiate(connection, turn);
    } catch (error) {
      connection?.close();
      if (turn === this.#turn) this.#failed(asProblem(error));
    }
  }

  #offer(turn) {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const kind of this.#kinds) {
      const codecs = acceptedCodecs(kind);
      if (!codecs.length) throw Object.assign(localProblem("codec"), { status: 422 });
      connection.addTransceiver(kind, { direction: "recvonly" }).setCodecPreferences(codecs);
    }
    connection.onconnectionstatechange = () => this.#handleState(connection, turn);
    return connection;
  }

  async #negotiate(connection, turn) {
    await connection.setLocalDescription();
    if (turn !== this.#turn) return connection.close(); // left meanwhile: nothing is asked for any more
    const offer = connection.localDescription.sdp;
    const answer = await request(this.#path, { method: "POST", body: offer, type: "application/sdp" });
    const resource = answer.headers.get("location");
    if (turn !== this.#turn) return this.#discard(connection, resource);
    this.#connection?.close();
    this.#connection = connection;
    this.#resource = resource;
    this.#last = null;
    this.#quality = new QualityWindow();
    await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    if (turn !== this.#turn) return;
    this.#takeTracks(connection);
    if (connection.connectionState !== "connected") this.#failIn(CONNECT_LIMIT);
  }

  #failIn(patience) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#failed(localProblem("media")), patience);
  }

  /** Closes a connection whose answer came after we left. */
  #discard(connection, resource) {
    connection.close();
    if (!this.#over) this.#release(resource);
  }

  #takeTracks(connection) {
    this.stream.getTracks().forEach((track) => this.stream.removeTrack(track));
    for (const receiver of connection.getReceivers()) {
      this.stream.addTrack(receiver.track);
      if (receiver.track.kind === "audio") this.audio = receiver;
    }
  }

  #handleState(connection, turn) {
    if (turn !== this.#turn || connection !== this.#connection) return;
    if (connection.connectionState === "connected") {
      clearTimeout(this.#timer);
      this.#openedAt = this.#grownAt = performance.now();
      this.#become("open");
    } else if (connection.connectionState === "disconnected") {
      this.#failIn(GRACE); // "connected" within it clears the timer
    } else if (connection.connectionState === "failed") {
      this.#failed(localProblem("media"));
    }
  }

  #failed(problem) {
    this.rates = null;
    if (FINAL.has(problem.status)) return this.#become("refused", problem);
    const refused = problem.status >= 400 && problem.status < 500;
    const asked = problem.document?.retry_after * 1000; // NaN where the server names no time
    const delay = refused ? asked || DELAYS.at(-1) : DELAYS[Math.min(this.#attempt++, DELAYS.length - 1)];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), delay);
    this.#become(refused ? "refused" : "stalled", problem);
  }

  /** Takes the numbers of the last second, and checks whether packets still arrive. */
  async #measure() {
    const connection = this.#connection;
    if (!connection || this.state !== "open") return;
    const now = await counters(connection);
    if (connection !== this.#connection || this.state !== "open") return;
    const grew = !this.#last || now.video.packets + now.audio.packets > this.#last.video.packets + this.#last.audio.packets;
    if (grew) this.#grownAt = now.at;
    this.rates = this.#quality.add(now);
    this.#last = now;
    if (this.#expected && now.at - this.#grownAt > STALL_LIMIT) return this.#failed(localProblem("media"));
    if (now.at - this.#openedAt > STEADY) this.#attempt = 0;
    this.#changed();
  }
}
