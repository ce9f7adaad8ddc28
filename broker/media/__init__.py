"""Media formats as bytes, pure: RTP, RTCP, header extensions, H.264, Opus, SDP, and the records in which the relay
hands packets to the recorder. Relay and recorder share them; nothing here touches a socket, a task or a clock."""
