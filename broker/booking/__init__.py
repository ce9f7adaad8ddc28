"""Booking of visits, pure: begin with `slot` (the approved window), then `slot_check` and `language` (what it must be),
`packs` (the rules of a site), `suspension` (whose visits are suspended), and what follows from a visit that did not
take place: `rebooking` (it is booked again first) and `absence` (a side did not come)."""
