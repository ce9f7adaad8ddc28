"""What proves that a recording is what was written: signatures, hashes, the chain of each site, and the verifier."""
