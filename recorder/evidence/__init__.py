"""What proves that a recording is what was written: signatures, hashes of files and of their pieces, the chain of each
site, and the verifier.

Begin with `signing` and `site_chain`, then `verify`, which needs only the files and a public key. `algorithms` are the
kinds of keys. `chain_heads` uses the database; `report` is pure; the other modules read files and block."""
