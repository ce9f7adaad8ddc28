"""The worker's port and the clients behind it: UDP and TCP sockets, demultiplexing (RFC 7983), ICE-lite (RFC 8445 2.5),
DTLS-SRTP (RFC 5764). Begin with `demux` for control datagrams, with `peer` for one client."""
