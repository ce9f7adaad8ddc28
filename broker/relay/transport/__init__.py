"""The worker's port and its clients: UDP and TCP sockets, demultiplexing (RFC 7983), ICE-lite (RFC 8445 2.5), DTLS-SRTP
(RFC 5764).

Begin with `peer`, a client, and the parts it is made of: `ice` and `route`, `dtls` with `openssl_dtls` and
`srtp_buffers`. Then `demux`, which handles datagrams other than RTP within the limits of `stun_rate_limit`, and the
sockets: `udp`, `tcp`, `connected`, `socket_buffers`, `poller`, which decides when they are read, and `egress`, by which
packets to one client leave together."""
