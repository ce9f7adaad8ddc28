"""WHIP and WHEP on aiortc: publishing the room, receiving the far side."""
