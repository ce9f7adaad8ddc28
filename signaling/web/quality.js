/**
 * Numbers about one received side, from RTCPeerConnection.getStats(), and how good they are.
 */
const NOTHING = { bytes: 0, packets: 0, lost: 0 };
const WINDOW = 10; // seconds over which standing still is told
const STILL = 1500; // ms without a new frame: the picture is frozen now (kiosks send ten frames a second or more)

/**
 * Counters of a connection: {at (ms), video: {bytes, packets, lost, frames, frozen (s), ...}, audio: {bytes, ...}, trip (s)}.
 * Of a picture `buffered` is the sum of seconds that `emitted` frames waited in the jitter buffer.
 */
export async function counters(connection) {
  const video = { ...NOTHING, frames: 0, frozen: 0, buffered: 0, emitted: 0 };
  const found = { at: performance.now(), video, audio: { ...NOTHING }, trip: null };
  for (const report of (await connection.getStats()).values()) {
    if (report.type === "inbound-rtp") add(found[report.kind], report);
    else if (report.type === "candidate-pair" && report.nominated) found.trip = report.currentRoundTripTime ?? found.trip;
  }
  return found;
}

function add(kind, report) {
  kind.bytes += report.bytesReceived ?? 0;
  kind.packets += report.packetsReceived ?? 0;
  kind.lost += report.packetsLost ?? 0;
  if (report.kind !== "video") return;
  kind.frames += report.framesDecoded ?? 0;
  kind.frozen += report.totalFreezesDuration ?? 0;
  kind.buffered += report.jitterBufferDelay ?? 0;
  kind.emitted += report.jitterBufferEmittedCount ?? 0;
}

/**
 * Rates between two counters: {kbps, loss (0..1), fps, delay (ms, null when unknown)}. The delay is half the round trip
 * plus the time in the jitter buffer: what lies between the relay and the eye. Counters that went back give zeros.
 */
export function rates(before, after) {
  const seconds = (after.at - before.at) / 1000;
  if (seconds <= 0) return { kbps: 0, loss: 0, fps: 0, delay: null };
  const grown = (kind, name) => Math.max(0, after[kind][name] - before[kind][name]);
  const both = (name) => grown("video", name) + grown("audio", name);
  const expected = both("packets") + both("lost");
  const waited = grown("video", "emitted") ? grown("video", "buffered") / grown("video", "emitted") : 0;
  return {
    kbps: (both("bytes") * 8) / 1000 / seconds,
    loss: expected ? both("lost") / expected : 0,
    fps: grown("video", "frames") / seconds,
    delay: after.trip === null ? null : (after.trip / 2 + waited) * 1000,
  };
}

/** The last seconds of one connection: its rates, and how long its picture stood still. */
export class Course {
  #seen = []; // counters, oldest first
  #movedAt = null; // ms, when a new frame was last seen

  /** Takes the newest counters. @returns the rates with {frozen: share of the last seconds (0..1), still: ms} or null */
  take(now) {
    const last = this.#seen.at(-1);
    if (!last || now.video.frames !== last.video.frames) this.#movedAt = now.at;
    this.#seen.push(now);
    while (this.#seen.length > 2 && this.#seen[1].at <= now.at - WINDOW * 1000) this.#seen.shift();
    return last ? { ...rates(last, now), ...this.#stood(now) } : null;
  }

  #stood(now) {
    const first = this.#seen[0];
    const since = now.at - this.#movedAt;
    const still = since >= STILL ? since : 0; // a freeze that has not ended is not in the browser's sum yet
    const over = Math.max(0, now.video.frozen - first.video.frozen) * 1000;
    return { still, frozen: Math.min(1, (over + still) / Math.max(1, now.at - first.at)) };
  }
}

// the last value that is still good, and the last that is fair; of frames the least
const GOOD = { loss: 0.01, delay: 300, frozen: 0.02, fps: 9 };
const FAIR = { loss: 0.05, delay: 600, frozen: 0.1, fps: 5 };

const beyond = (now, limit) => Object.keys(limit).filter((name) => (
  name === "fps" ? now.fps < limit.fps : (now[name] ?? 0) > limit[name]));

/** "good", "fair" or "poor": the worst of loss, delay, frames and standing still decides. */
export function grade(now) {
  if (now.still) return "poor";
  return !beyond(now, GOOD).length ? "good" : !beyond(now, FAIR).length ? "fair" : "poor";
}

/** The names of the numbers that are not good. */
export const troubles = (now) => beyond(now, GOOD);

/** "1.2 Mb/s" or "640 kb/s". */
export function bitrate(kbps) {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mb/s` : `${Math.round(kbps)} kb/s`;
}
