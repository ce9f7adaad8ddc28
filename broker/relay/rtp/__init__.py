"""RTP and RTCP mechanisms: `receive_stats` counts what a publisher sends, `retransmission` and `keyframe_requests` make
up for losses, `simulcast_layers` chooses encodings, `red` and `twcc` parse formats; `rtcp_feedback` handles all
RTCP."""
