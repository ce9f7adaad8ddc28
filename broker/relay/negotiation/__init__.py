"""Offer and answer, pure: the SDP answer to the offer of a WHIP or WHEP client (RFC 9725).

Begin with `answer`; `codec_params` holds what was agreed for an m-line, `simulcast_sdp` the encodings of one (RFC
8853)."""
