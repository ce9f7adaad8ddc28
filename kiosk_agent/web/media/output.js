/** The sound that the page plays: all of it with one volume, from one loudspeaker. */
const players = new Set();
const chosen = { volume: 1, label: "" };

/** Returns an audio element of the page's own that plays as was chosen, now and later. */
export function player() {
  const audio = tuned(new Audio());
  players.add(audio);
  return audio;
}

/** Has an audio element play as is chosen now. */
export function tuned(audio) {
  apply(audio, "");
  if (chosen.label) sinkOf(chosen.label).then((sink) => apply(audio, sink));
  return audio;
}

/** Plays everything with this volume, from the loudspeaker with this label; an empty one is the system's choice. */
export async function choose(volume, label) {
  Object.assign(chosen, { volume, label });
  const sink = await sinkOf(label);
  for (const audio of players) apply(audio, sink);
}

function apply(audio, sink) {
  audio.volume = chosen.volume;
  if (audio.sinkId !== sink) audio.setSinkId(sink).catch(() => {
    // it was unplugged meanwhile: the system's choice goes on
  });
}

async function sinkOf(label) {
  if (!label) return "";
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.find((each) => each.kind === "audiooutput" && each.label === label)?.deviceId ?? "";
}
