"""The WebSocket `huijian.v1`: connected clients, what they are told, and what they say."""
