"""The MP4 file of a part or a film (ISO/IEC 14496-12).

Begin with `muxer`, which writes a part through PyAV into a `fragments.FragmentFile`. `scan` finds what a crash left of
a part, `join` makes one film of several parts, `side_film` serves one side of a film. `boxes` is the box structure, and
`placeholder_frame` the picture of a side that has none. Only `boxes` is pure; the other modules read, write or encode
and block."""
