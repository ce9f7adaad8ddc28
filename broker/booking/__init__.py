"""Booking of visits, pure: begin with `slot` (the approved window), then `slot_check` and `language` (what it must be),
`packs` (the rules of a site) and `suspension` (whose visits are suspended)."""
