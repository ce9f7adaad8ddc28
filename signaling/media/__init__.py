"""WHIP and WHEP (RFC 9725). Read `whip` (rooms publish), `whep` (rooms and supervisors subscribe), `talkback` (插话),
`offer_answer` (what they share), and `resources` (the media resources and their makers)."""
