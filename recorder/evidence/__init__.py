"""What proves that a recording is what was written: signatures, hashes of files and of their pieces, the chain of each
site, and the verifier.

Begin with `signing` and `site_chain`, then `verify`, which needs only the files and a public key. `algorithms` are the
kinds of keys, `chain_facts` the holds and dates in the chains. `checkpoints` are the signed heads of the journal,
`checkpoint_copies` puts them elsewhere, `checkpoint_check` checks them. `chain_heads` uses the database; `report` is
pure; the other modules read files and block."""
