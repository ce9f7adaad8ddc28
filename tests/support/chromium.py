"""Headless Chromium as a client of another project: on any page of the server it publishes by WHIP and subscribes by
WHEP."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]

SCRIPT = """
window.peers = {};
async function negotiate(name, path, token, connection) {
  peers[name] = connection;
  await connection.setLocalDescription();
  const response = await fetch(path, { method: "POST", body: connection.localDescription.sdp,
    headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` } });
  if (response.status !== 201) return { status: response.status, problem: await response.json() };
  await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
  return { status: 201, location: response.headers.get("Location") };
}
window.publish = async (name, session, token) => {
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 }, audio: true });
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const track of media.getTracks()) connection.addTransceiver(track, { direction: "sendonly", streams: [media] });
  return negotiate(name, `/whip/${session}`, token, connection);
};
window.watch = async (name, session, side, token) => {
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const kind of ["audio", "video"]) connection.addTransceiver(kind, { direction: "recvonly" });
  const shown = document.body.appendChild(document.createElement("video"));
  shown.autoplay = true;
  shown.srcObject = new MediaStream();
  connection.ontrack = ({ track }) => shown.srcObject.addTrack(track);
  return negotiate(name, `/whep/${session}/${side}`, token, connection);
};
window.received = async (name) => {
  const found = { framesDecoded: 0, totalAudioEnergy: 0, packetsReceived: 0 };
  for (const stats of (await peers[name].getStats()).values()) {
    if (stats.type === "inbound-rtp") for (const key of Object.keys(found)) found[key] += stats[key] ?? 0;
  }
  return found;
};
"ready";
"""


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """Run a browser process with FLAGS and these flags."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


async def peer_page(browser: Browser, server: str) -> Page:
    """Return a page of the server's origin with the functions of SCRIPT."""
    page = await browser.new_page()
    await page.goto(f"{server}/healthz")
    await page.evaluate(SCRIPT)
    return page


async def received(page: Page, name: str) -> dict[str, Any]:
    """Return the counts of what a connection has received and decoded."""
    return dict(await page.evaluate("(name) => received(name)", name))
