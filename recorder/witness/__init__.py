"""Witnessed heads: at night the head of a site's chain is counter-signed by the sites that it met that day. A chain
that is rewritten whole with the archive's own key then contradicts the chains of others.

Begin with `statements`, the pure part; `night` writes them, `check` finds what contradicts them, `newest` finds those
that a ledger keeps, `paper` prints heads as QR codes. `keys` are the keys of the witnesses. All but `statements` and
`paper` read files and block."""
