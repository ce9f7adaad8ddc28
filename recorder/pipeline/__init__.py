"""From tap records to the samples of a file: read, order, depacketize, place on one clock, assemble, write."""
