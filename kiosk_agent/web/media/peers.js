/**
 * The page's media connections, one of a kind: publication (WHIP), subscription to the far room and talkback (WHEP), by
 * the agent's loopback addresses. Each attempt is told about once up and once down; the agent's state machine decides
 * about further ones.
 */
import { drillTracks } from "./drill_tracks.js";
import { player } from "./output.js";
import { accepted, withSoundRepair } from "./sdp.js";

const CONNECT_LIMIT = 8000; // ms for ICE and DTLS
const SOUND_RATE = 40_000; // bit/s
const LEAST_SOUND = 8_000; // bit/s that are left to the sound where people sign and the line is weak
const PICTURE_RATE = 1_800_000; // bit/s; congestion control stays below what the line has
const EVERY = 1000; // ms between counts

export class Peers {
  signed = null; // what a visit in sign language needs: {frames, kbits}; there picture goes before sound
  far = new MediaStream();
  #devices;
  #send;
  #changed;
  #open = new Map();
  #players = { subscription: playing(), talkback: playing() };
  #quiet = { packets: 0, at: 0 };

  constructor({ devices, send, changed }) {
    this.#devices = devices;
    this.#send = send;
    this.#changed = changed;
    setInterval(() => this.#count(), EVERY);
    setInterval(() => this.#leaveToSound(), EVERY);
    addEventListener("track", (event) => this.#replace(event.detail));
  }

  async open({ kind, attempt, path, drill = false }) {
    const peer = { kind, attempt, drill, connection: new RTCPeerConnection({ bundlePolicy: "max-bundle" }) };
    this.#open.get(kind)?.connection.close();
    this.#open.set(kind, peer);
    try {
      if (kind === "publication") await this.#prepareToSend(peer);
      else this.#prepareToReceive(peer);
      await this.#negotiate(peer, path);
      await connected(peer.connection);
      if (this.#open.get(kind) !== peer) return;
      if (kind === "subscription") this.#quiet = { packets: 0, at: performance.now() };
      this.#send("media_up", { kind, attempt });
      peer.connection.onconnectionstatechange = () => this.#watch(peer);
      this.#watch(peer);
    } catch (error) {
      this.#down(peer, error.code_ ?? error.name ?? "failed");
    }
  }

  close(kind, attempt) {
    const peer = this.#open.get(kind);
    if (peer?.attempt === attempt) this.#down(peer, "closed");
    else this.#send("media_down", { kind, attempt, code: "closed" });
  }

  closeAll() {
    for (const peer of [...this.#open.values()]) this.#down(peer, "no_agent");
  }

  async #prepareToSend(peer) {
    const { audio, video } = peer.drill ? peer.made = drillTracks() : await this.#ofTheRoom();
    if (!audio || !video) throw coded(audio ? "no_camera" : "no_microphone");
    const streams = [new MediaStream([audio, video])];
    const rates = { audio: SOUND_RATE, video: PICTURE_RATE };
    for (const track of [audio, video]) {
      const sendEncodings = [{ maxBitrate: rates[track.kind], ...this.#priority(track.kind) }];
      const transceiver = peer.connection.addTransceiver(track, { direction: "sendonly", streams, sendEncodings });
      prefer(transceiver, track.kind);
    }
    this.#steer(video, peer);
  }

  async #ofTheRoom() {
    this.#devices.need("publication", true);
    await this.#devices.ready();
    return this.#devices.tracks;
  }

  /** Sound goes before picture, except where people sign. */
  #priority(kind) {
    const first = (kind === "audio") !== Boolean(this.signed);
    return { priority: first ? "high" : "low", networkPriority: first ? "high" : "low" };
  }

  #steer(track, peer) {
    track.contentHint = this.signed ? "motion" : "";
    peer.degradation = this.signed ? "maintain-framerate" : "balanced";
  }

  #prepareToReceive(peer) {
    const kinds = peer.kind === "talkback" ? ["audio"] : ["audio", "video"];
    for (const kind of kinds) prefer(peer.connection.addTransceiver(kind, { direction: "recvonly" }), kind);
    const stream = new MediaStream();
    this.#players[peer.kind].muted = peer.drill;
    peer.connection.ontrack = ({ track, receiver }) => {
      receiver.jitterBufferTarget = null;
      stream.addTrack(track);
      if (track.kind === "audio") this.#players[peer.kind].srcObject = new MediaStream([track]);
    };
    if (peer.kind === "subscription") this.far = stream;
  }

  async #negotiate(peer, path) {
    const { connection } = peer;
    const offer = await connection.createOffer();
    const sdp = peer.kind === "publication" ? withSoundRepair(offer.sdp) : offer.sdp;
    await connection.setLocalDescription({ type: "offer", sdp });
    const response = await fetch(path, { method: "POST", body: sdp, headers: { "Content-Type": "application/sdp" } });
    const body = await response.text();
    if (response.status !== 201) throw coded(problem(body) ?? `status_${response.status}`);
    peer.resource = response.headers.get("Location");
    await connection.setRemoteDescription({ type: "answer", sdp: body });
    await this.#degrade(peer);
  }

  async #degrade(peer) {
    const sender = peer.connection.getSenders().find(({ track }) => track?.kind === "video");
    if (!sender || !peer.degradation) return;
    await sender.setParameters({ ...sender.getParameters(), degradationPreference: peer.degradation });
  }

  /** Where people sign, the sound gets what the line has beside their picture. */
  async #leaveToSound() {
    const peer = this.#open.get("publication");
    const sender = peer?.connection.getSenders().find(({ track }) => track?.kind === "audio");
    if (!this.signed || !sender || peer.connection.connectionState !== "connected") return;
    const pairs = [...(await peer.connection.getStats()).values()].filter((stats) => stats.availableOutgoingBitrate);
    if (!pairs.length) return;
    const left = pairs[0].availableOutgoingBitrate - 1000 * this.signed.kbits;
    const maxBitrate = Math.round(Math.max(LEAST_SOUND, Math.min(SOUND_RATE, left)) / 1000) * 1000;
    const parameters = sender.getParameters();
    if (!parameters.encodings.length || parameters.encodings[0].maxBitrate === maxBitrate) return;
    parameters.encodings[0].maxBitrate = maxBitrate;
    await sender.setParameters(parameters);
  }

  #watch(peer) {
    // A path that is cut is "disconnected" for up to fifteen seconds and comes back by itself, faster than a new attempt.
    if (["failed", "closed"].includes(peer.connection.connectionState)) this.#down(peer, "lost");
    else this.#changed();
  }

  #down(peer, code) {
    const { kind, attempt, connection } = peer;
    connection.onconnectionstatechange = null;
    connection.close();
    if (this.#open.get(kind) !== peer) return;
    this.#open.delete(kind);
    if (kind === "publication") this.#devices.need("publication", false);
    peer.made?.stop();
    if (kind === "subscription") this.far = new MediaStream();
    if (kind in this.#players) this.#players[kind].srcObject = null;
    if (peer.resource) fetch(peer.resource, { method: "DELETE", keepalive: true }).catch(() => {
      // the agent deletes what is left
    });
    this.#send("media_down", { kind, attempt, code: String(code).slice(0, 64) });
    this.#changed();
  }

  /** A device was opened again: what is sent goes on with the new track. */
  async #replace(kind) {
    const peer = this.#open.get("publication");
    if (peer?.drill) return;
    const sender = peer?.connection.getTransceivers().find(({ sender: { track }, mid }) => (
      mid !== null && (track?.kind ?? this.#kindOf(peer, mid)) === kind))?.sender;
    await sender?.replaceTrack(this.#devices.tracks[kind]);
  }

  #kindOf(peer, mid) {
    return peer.connection.getTransceivers().find((each) => each.mid === mid)?.receiver.track.kind;
  }

  async #count() {
    const peer = this.#open.get("subscription");
    if (peer?.connection.connectionState !== "connected" && peer?.connection.connectionState !== "disconnected") return;
    const found = { packets: 0, frames: 0, sounds: 0, energy: 0, width: 0, height: 0 };
    for (const stats of (await peer.connection.getStats()).values()) {
      if (stats.type !== "inbound-rtp") continue;
      found.packets += stats.packetsReceived;
      found.frames += stats.framesDecoded ?? 0;
      found.sounds += Math.max(0, (stats.totalSamplesReceived ?? 0) - (stats.concealedSamples ?? 0));
      found.energy += stats.totalAudioEnergy ?? 0;
      found.width = Math.max(found.width, stats.frameWidth ?? 0);
      found.height = Math.max(found.height, stats.frameHeight ?? 0);
    }
    if (found.packets !== this.#quiet.packets) this.#quiet = { packets: found.packets, at: performance.now() };
    const quiet = (performance.now() - this.#quiet.at) / 1000;
    this.#send("received", { attempt: peer.attempt, quiet, ...found });
  }
}

function playing() {
  const audio = player();
  audio.autoplay = true;
  return audio;
}

function prefer(transceiver, kind) {
  const codecs = accepted(kind);
  if (!codecs.length) throw coded("no_codec");
  transceiver.setCodecPreferences(codecs);
}

function coded(code) {
  return Object.assign(new Error(code), { code_: code });
}

function problem(body) {
  try {
    return JSON.parse(body).code ?? null;
  } catch {
    return null; // no problem document
  }
}

function connected(connection) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(coded("not_connected")), CONNECT_LIMIT);
    const look = () => {
      if (connection.connectionState === "connected") done(resolve);
      else if (["failed", "closed"].includes(connection.connectionState)) done(() => reject(coded("not_connected")));
    };
    const done = (end) => {
      clearTimeout(timer);
      connection.onconnectionstatechange = null;
      end();
    };
    connection.onconnectionstatechange = look;
    look();
  });
}
