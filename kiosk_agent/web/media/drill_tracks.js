/**
 * Picture and sound of a drill: a pattern that moves and a pulsed tone, made here. A drill opens the gate without people
 * who supervise, so that nothing of the room's camera and microphone may be sent.
 */
const WIDTH = 640;
const HEIGHT = 360;
const RATE = 25; // frames/s
const TONE = 440; // Hz
const LOUD = 0.1; // of full scale, as people speak
const PERIOD = 1; // s of tone and pause

/** Returns one track of each kind, and `stop` to end both. */
export function drillTracks() {
  const picture = pattern();
  const sound = tone();
  return {
    video: picture.track,
    audio: sound.track,
    stop() {
      picture.stop();
      sound.stop();
    },
  };
}

function pattern() {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d");
  let number = 0;
  const draw = () => paint(context, number++);
  draw();
  const [track] = canvas.captureStream(RATE).getVideoTracks();
  const timer = setInterval(draw, 1000 / RATE);
  return { track, stop: () => { clearInterval(timer); track.stop(); } };
}

function paint(context, number) {
  const column = WIDTH / 16;
  for (let at = 0; at < 16; at++) {
    context.fillStyle = `hsl(${(at * 47) % 360} 40% ${35 + ((at + Math.floor(number / 5)) % 5) * 8}%)`;
    context.fillRect(((at * column + number * 4) % WIDTH), 0, column, HEIGHT);
  }
  context.fillStyle = "#ffffff";
  context.font = `${HEIGHT / 4}px sans-serif`;
  context.textAlign = "center";
  context.fillText("演练 DRILL", WIDTH / 2, HEIGHT * 0.6);
}

function tone() {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: TONE });
  const gain = new GainNode(context, { gain: LOUD });
  const pulse = new OscillatorNode(context, { type: "square", frequency: 1 / PERIOD });
  const depth = new GainNode(context, { gain: LOUD });
  const out = context.createMediaStreamDestination();
  oscillator.connect(gain).connect(out);
  pulse.connect(depth).connect(gain.gain); // the gain goes to and fro between nothing and twice LOUD
  for (const node of [oscillator, pulse]) node.start();
  const [track] = out.stream.getAudioTracks();
  return { track, stop: () => { track.stop(); context.close(); } };
}
