/**
 * Quality of one received side: rates from RTCPeerConnection.getStats(), and their grade.
 */
const NOTHING = { bytes: 0, packets: 0, lost: 0 };
const WINDOW = 10; // seconds over which the share of frozen time is taken
const STILL = 1500; // ms without a new frame: the picture is frozen now (kiosks send ten frames a second or more)

/**
 * Reads the counters of a connection: {at (ms), video: {bytes, packets, lost, frames, frozen (s), ...}, audio: {bytes, ...}, trip (s)}.
 * `buffered` is the sum of seconds that `emitted` frames of the picture waited in the jitter buffer.
 */
export async function counters(connection) {
  const video = { ...NOTHING, frames: 0, frozen: 0, buffered: 0, emitted: 0 };
  const sums = { at: performance.now(), video, audio: { ...NOTHING }, trip: null };
  for (const report of (await connection.getStats()).values()) {
    if (report.type === "inbound-rtp") addReport(sums[report.kind], report);
    else if (report.type === "candidate-pair" && report.nominated) sums.trip = report.currentRoundTripTime ?? sums.trip;
  }
  return sums;
}

function addReport(kind, report) {
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
 * Computes the rates between two counters: {kbps, loss (0..1), fps, delay (ms, null when unknown)}. The delay is half the round trip
 * plus the time in the jitter buffer, that is, from the relay to the screen. Counters that went back give zeros.
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

/** The last ten seconds of one connection: its rates, and how long its picture stood still. */
export class QualityWindow {
  #samples = []; // counters, oldest first
  #movedAt = null; // ms, when a new frame was last seen

  /** Adds the newest counters. @returns the rates with {frozen: share of the window (0..1), still: ms}, or null at first */
  add(now) {
    const last = this.#samples.at(-1);
    if (!last || now.video.frames !== last.video.frames) this.#movedAt = now.at;
    this.#samples.push(now);
    while (this.#samples.length > 2 && this.#samples[1].at <= now.at - WINDOW * 1000) this.#samples.shift();
    return last ? { ...rates(last, now), ...this.#frozen(now) } : null;
  }

  #frozen(now) {
    const first = this.#samples[0];
    const since = now.at - this.#movedAt;
    const still = since >= STILL ? since : 0; // the browser's sum does not hold a freeze that has not ended yet
    const over = Math.max(0, now.video.frozen - first.video.frozen) * 1000;
    return { still, frozen: Math.min(1, (over + still) / Math.max(1, now.at - first.at)) };
  }
}

// the limits of what is still good and what is still fair; fps is a lower limit, the others are upper limits
const GOOD = { loss: 0.01, delay: 300, frozen: 0.02, fps: 9 };
const FAIR = { loss: 0.05, delay: 600, frozen: 0.1, fps: 5 };

const beyond = (now, limit) => Object.keys(limit).filter((name) => (
  name === "fps" ? now.fps < limit.fps : (now[name] ?? 0) > limit[name]));

/** "good", "fair" or "poor": the worst of loss, delay, frame rate and frozen time decides. */
export function grade(now) {
  if (now.still) return "poor";
  return !beyond(now, GOOD).length ? "good" : !beyond(now, FAIR).length ? "fair" : "poor";
}

/** The names of the numbers that are not good. */
export const troubles = (now) => beyond(now, GOOD);

/** Formats a bit rate, as "1.2 Mb/s" or "640 kb/s". */
export function bitrate(kbps) {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mb/s` : `${Math.round(kbps)} kb/s`;
}
