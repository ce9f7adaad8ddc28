"""The data plane: one worker process, one UDP port number, packets forwarded without decoding, a gate held as a lease.

Begin with `fanout`, the hot loop, and `track`, whose plan it follows; then `session` (publications, subscriptions,
`talkback`, `gate`) and `worker`, which obeys the broker. `transport` has the clients, `negotiation` their SDP, `rtp`
what RTP and RTCP need, `congestion` what lines carry."""
