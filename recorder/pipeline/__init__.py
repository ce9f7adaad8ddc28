"""The pipeline from tap records to the samples of a file: read, order, depacketize, place on one clock, assemble,
write.

Read in that order: `tap_reader`, `reorder`, `depacketizer`, `track_clock`, `track` and `talkback_track`, `assembler`,
`writer`. Pure, with time as an argument: all but the first and the last. `tap_reader` reads sockets in the event loop;
`writer` blocks and runs in a worker thread."""
