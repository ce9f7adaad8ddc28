/** What the page asks for in SDP: H.264 constrained baseline, Opus, and repair of lost sound. */
const BASELINE = /profile-level-id=42e0/i;

/** The codecs of a kind that Huijian takes, the wanted one first. */
export function accepted(kind) {
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  if (kind === "audio") return codecs.filter((codec) => codec.mimeType === "audio/opus");
  const h264 = codecs.filter((codec) => codec.mimeType === "video/H264"
    && BASELINE.test(codec.sdpFmtpLine) && /packetization-mode=1/.test(codec.sdpFmtpLine));
  return h264.length ? [...h264, ...codecs.filter((codec) => codec.mimeType === "video/rtx")] : [];
}

/** The offer with `nack` for Opus: Chromium repeats lost sound when it is asked to, and does not offer it by itself. */
export function withSoundRepair(sdp) {
  const number = /^a=rtpmap:(\d+) opus\/48000/mi.exec(sdp)?.[1];
  if (!number || sdp.includes(`a=rtcp-fb:${number} nack`)) return sdp;
  return sdp.replace(new RegExp(`^(a=rtpmap:${number} opus/48000.*\\r?\\n)`, "mi"), `$1a=rtcp-fb:${number} nack\r\n`);
}
