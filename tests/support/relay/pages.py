"""Scripts for a page of `peer.html`: its own statistics, and a picture that is hard to encode."""

from typing import Any

from playwright.async_api import Page

_NUMBERS = """async (name) => {
  const found = {};
  for (const one of (await peers[name].getStats()).values()) {
    if (!["inbound-rtp", "outbound-rtp", "candidate-pair"].includes(one.type)) continue;
    const group = (found[one.type + (one.kind ? " " + one.kind : "")] ??= {});
    for (const [key, value] of Object.entries(one))
      if (typeof value === "number") group[key] = Math.max(value, group[key] ?? -Infinity);
  }
  return found;
}"""

_NOISE = """async ([name, session, token]) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 180];
  const brush = canvas.getContext("2d"), dots = brush.createImageData(320, 180);
  const words = new Uint32Array(dots.data.buffer);
  let chance = 1;
  setInterval(() => {
    for (let at = 0; at < words.length; at += 2) {
      chance = (chance * 1664525 + 1013904223) | 0;
      words[at] = 0xff000000 | chance;
    }
    brush.putImageData(dots, 0, 0);
  }, 50);
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  const media = new MediaStream([...sound.getTracks(), ...canvas.captureStream(20).getTracks()]);
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const track of media.getTracks()) connection.addTransceiver(track, { direction: "sendonly", streams: [media] });
  return negotiate(name, `/whip/${session}`, token, connection);
}"""

Numbers = dict[str, dict[str, float]]


async def numbers(page: Page, name: str) -> Numbers:
    """Return the numbers of a connection's statistics by type and kind, of several the largest."""
    found: Numbers = await page.evaluate(_NUMBERS, name)
    return found


async def publish_noise(page: Page, name: str, session: str, token: str) -> Any:
    """Publish sound and a picture of noise, which takes any rate that is allowed."""
    return await page.evaluate(_NOISE, [name, session, token])
