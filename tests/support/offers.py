"""SDP offers of a real client (aiortc), for tests that need no connection."""

from aiortc import RTCPeerConnection

WATCH = "\r\n".join(["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1", ""])


async def publish_offer() -> str:
    """Return a complete offer to send one audio and one video stream."""
    connection = RTCPeerConnection()
    try:
        for kind in ("audio", "video"):
            connection.addTransceiver(kind, direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        return str(connection.localDescription.sdp)
    finally:
        await connection.close()
