/**
 * Numbers about one received side, from RTCPeerConnection.getStats().
 */
const NOTHING = { bytes: 0, packets: 0, lost: 0 };

/** Counters of a connection: {at (ms), video: {bytes, packets, lost, frames}, audio: {bytes, ...}}. */
export async function counters(connection) {
  const found = { at: performance.now(), video: { ...NOTHING, frames: 0 }, audio: { ...NOTHING } };
  for (const report of (await connection.getStats()).values()) {
    if (report.type !== "inbound-rtp") continue;
    const kind = found[report.kind];
    kind.bytes += report.bytesReceived ?? 0;
    kind.packets += report.packetsReceived ?? 0;
    kind.lost += report.packetsLost ?? 0;
    if (report.kind === "video") kind.frames += report.framesDecoded ?? 0;
  }
  return found;
}

/** Rates between two counters: {kbps, loss (0..1), fps}. Counters that went back give zeros. */
export function rates(before, after) {
  const seconds = (after.at - before.at) / 1000;
  if (seconds <= 0) return { kbps: 0, loss: 0, fps: 0 };
  const grown = (kind, name) => Math.max(0, after[kind][name] - before[kind][name]);
  const both = (name) => grown("video", name) + grown("audio", name);
  const expected = both("packets") + both("lost");
  return {
    kbps: (both("bytes") * 8) / 1000 / seconds,
    loss: expected ? both("lost") / expected : 0,
    fps: grown("video", "frames") / seconds,
  };
}

/** "1.2 Mb/s" or "640 kb/s". */
export function bitrate(kbps) {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mb/s` : `${Math.round(kbps)} kb/s`;
}
