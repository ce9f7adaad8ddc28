"""WHIP and WHEP (RFC 9725), the talkback of officers, TURN credentials, and who holds which media resource."""
