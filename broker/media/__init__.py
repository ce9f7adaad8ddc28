"""Media formats as bytes, pure: nothing here touches a socket, a task or a clock. Relay and recorder share them.

Begin with `rtp` and `rtcp`. `header_extensions` reads what else an RTP packet carries; `h264` and `opus` read payloads;
`sdp` reads offers, and `sdp_fragment` the fragments of trickle ICE. `tap_format` is the form in which the relay hands
packets to the recorder."""
