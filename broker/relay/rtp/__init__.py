"""RTP and RTCP as the relay works on them: statistics, retransmission, feedback, keyframe requests, simulcast layers
and the talkback of officers."""
