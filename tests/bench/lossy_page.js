"use strict";
// A picture of tiles, half of which are black. Its number stands in the first row; which of the other tiles are black
// follows from the number, so that whoever sees the picture can tell each tile that is wrong.
const COLUMNS = 16, ROWS = 9, SLOWLY = 16;  // SLOWLY: of so many tiles one changes with each picture
const WIDTH = 640, HEIGHT = 360;

function black(number, tile) {
  if (tile < COLUMNS) return (number >> tile) & 1;
  let mixed = (tile * 2654435761) ^ (Math.floor((number + tile) / SLOWLY) * 40503);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 2246822519);
  return (mixed >>> 13) & 1;
}

function pattern(rate) {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const brush = canvas.getContext("2d");
  let number = 0;
  setInterval(() => {
    number = (number + 1) & 0xffff;
    const wide = WIDTH / COLUMNS, high = HEIGHT / ROWS;
    for (let tile = 0; tile < COLUMNS * ROWS; tile += 1) {
      brush.fillStyle = black(number, tile) ? "#101010" : "#f0f0f0";
      brush.fillRect((tile % COLUMNS) * wide, Math.floor(tile / COLUMNS) * high, wide, high);
    }
    for (let count = 0; count < 30; count += 1) {  // what fills the line: dust along the lower borders of tiles
      brush.fillStyle = `hsl(${Math.random() * 360} 80% ${Math.random() * 100}%)`;
      brush.fillRect(Math.random() * WIDTH, Math.floor(Math.random() * ROWS) * high + high - 6, 30, 5);
    }
    brush.fillStyle = "#c04020";  // moves along the borders of tiles, which are not looked at
    brush.fillRect((number * 7) % WIDTH, HEIGHT / 2 - 3, 60, 6);
  }, 1000 / rate);
  return canvas.captureStream(rate).getVideoTracks()[0];
}

async function publishPattern(name, session, token, rate = 25) {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true });
  media.addTrack(pattern(rate));
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const track of media.getTracks()) connection.addTransceiver(track, { direction: "sendonly", streams: [media] });
  return negotiate(name, `/whip/${session}`, token, connection);
}

const seen = { pictures: 0, damaged: 0 };

async function look(track) {
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  for (;;) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    const { width, height } = frame.visibleRect;
    const bytes = new Uint8Array(frame.allocationSize());
    const planes = await frame.copyTo(bytes);
    frame.close();
    const at = (tile) => {
      const x = Math.floor(((tile % COLUMNS) + 0.5) * width / COLUMNS);
      const y = Math.floor((Math.floor(tile / COLUMNS) + 0.27) * height / ROWS);
      return bytes[planes[0].offset + y * planes[0].stride + x] < 128 ? 1 : 0;
    };
    let number = 0, wrong = 0;
    for (let tile = 0; tile < COLUMNS; tile += 1) number |= at(tile) << tile;
    for (let tile = COLUMNS; tile < COLUMNS * ROWS; tile += 1) wrong += at(tile) !== black(number, tile) ? 1 : 0;
    seen.pictures += 1;
    if (wrong > 0) seen.damaged += 1;
  }
}

async function watchPattern(name, session, side, token, repairs) {  // "RTX", "NACK" (without RTX) or "none": asks for none
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const kind of ["audio", "video"]) {
    const transceiver = connection.addTransceiver(kind, { direction: "recvonly" });
    if (kind === "video" && repairs !== "RTX") {
      const codecs = RTCRtpReceiver.getCapabilities("video").codecs;
      transceiver.setCodecPreferences(codecs.filter((codec) => codec.mimeType !== "video/rtx"));
    }
  }
  connection.ontrack = ({ track, streams }) => {
    document.getElementById("picture").srcObject = streams[0];
    if (track.kind === "video") look(track.clone());
  };
  if (repairs === "none") {  // the relay agrees to answer requests, and never gets one, as with libdatachannel
    const without = (sdp) => sdp.replace(/a=rtcp-fb:\d+ nack\r\n/g, "");
    const offer = await connection.createOffer();
    const [set, take] = [connection.setLocalDescription, connection.setRemoteDescription].map((f) => f.bind(connection));
    connection.setLocalDescription = () => set({ type: "offer", sdp: without(offer.sdp) });
    connection.setRemoteDescription = ({ type, sdp }) => take({ type, sdp: without(sdp) });
    Object.defineProperty(connection, "localDescription", { get: () => offer });
  }
  return negotiate(name, `/whep/${session}/${side}`, token, connection);
}

async function scale(name, by) {  // another size of the picture, as an encoder chooses it on a weak line
  const sender = peers[name].getSenders().find((each) => each.track.kind === "video");
  const parameters = sender.getParameters();
  parameters.encodings[0].scaleResolutionDownBy = by;
  await sender.setParameters(parameters);
}
