// Watches by WHEP with a library that is no browser, and prints a line for each packet of the picture: its number, its
// timestamp, its payload. Arguments: werift or node-datachannel, the folder with its node_modules, address, token.
import { createRequire } from "node:module";

const [, , library, folder, url, token] = process.argv;
const load = createRequire(`${folder}/`);
const PROFILE = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

function print(number, timestamp, payload) {
  process.stdout.write(`${number} ${timestamp} ${payload.toString("hex")}\n`);
}

async function answerTo(offer) {
  const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: "POST", headers, body: offer });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  return response.text();
}

async function werift() {
  const { RTCPeerConnection, RTCRtpCodecParameters } = load("werift");
  const feedback = [{ type: "nack" }, { type: "nack", parameter: "pli" }, { type: "goog-remb" }];
  const h264 = { mimeType: "video/H264", clockRate: 90000, rtcpFeedback: feedback, parameters: PROFILE };
  const opus = { mimeType: "audio/opus", clockRate: 48000, channels: 2 };
  const rtx = { mimeType: "video/rtx", clockRate: 90000 };
  const codecs = { audio: [new RTCRtpCodecParameters(opus)], video: [h264, rtx].map((each) => new RTCRtpCodecParameters(each)) };
  const connection = new RTCPeerConnection({ codecs, iceServers: [], bundlePolicy: "max-bundle" });
  connection.addTransceiver("audio", { direction: "recvonly" });
  const { receiver } = connection.addTransceiver("video", { direction: "recvonly" });
  connection.onTrack.subscribe((track) => {
    if (track.kind !== "video") return;
    track.onReceiveRtp.subscribe(({ header, payload }) => print(header.sequenceNumber, header.timestamp, payload));
    track.onReceiveRtp.once(({ header }) => receiver.sendRtcpPLI(header.ssrc));
  });
  await connection.setLocalDescription(await connection.createOffer());
  await connection.setRemoteDescription({ type: "answer", sdp: await answerTo(connection.localDescription.sdp) });
}

async function libdatachannel() {
  const { PeerConnection, Video, Audio, RtcpReceivingSession } = load("node-datachannel");
  const connection = new PeerConnection("viewer", { iceServers: [] });
  const [audio, video] = [new Audio("audio", "RecvOnly"), new Video("video", "RecvOnly")];
  audio.addOpusCodec(111);
  video.addH264Codec(96, PROFILE);
  const tracks = [audio, video].map((media) => connection.addTrack(media));  // kept: what is collected ends
  tracks.forEach((track) => track.setMediaHandler(new RtcpReceivingSession()));
  tracks[1].onMessage((packet) => {
    if (packet.length < 12 || (packet[1] > 191 && packet[1] < 224)) return;
    const extension = packet[0] & 0x10 ? 4 + 4 * packet.readUInt16BE(14 + 4 * (packet[0] & 15)) : 0;
    const payload = packet.subarray(12 + 4 * (packet[0] & 15) + extension);
    print(packet.readUInt16BE(2), packet.readUInt32BE(4), payload);
  });
  connection.onGatheringStateChange(async (state) => {
    if (state === "complete") connection.setRemoteDescription(await answerTo(connection.localDescription().sdp), "answer");
  });
  connection.setLocalDescription();
  setInterval(() => tracks[1].isOpen(), 1000);
}

await (library === "werift" ? werift() : libdatachannel());
