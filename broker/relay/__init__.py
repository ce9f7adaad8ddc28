"""The data plane: one worker process, one UDP port, packets forwarded without decoding, a gate held as a lease."""
