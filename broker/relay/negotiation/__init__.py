"""Offer and answer, pure: the answer to an offer (RFC 9725), what was agreed for each m-line, simulcast (RFC 8853) and
ICE fragments (RFC 8840)."""
