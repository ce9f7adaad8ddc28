"""The recorder: one more listener of every packet, in a process of its own. Pure files stand on top (rtp, h264,
opus, depacketize, timeline, lanes,
assembly); below them mux, recording, service and the archive do the input and output."""
