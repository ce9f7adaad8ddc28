"""What the law and the operator decide. Begin with `policy` (the rules of a site, each with its article), `law` (the
bounds that no pack may loosen) and `pack_loader` (packs/*.toml into a policy); `settings` is how this installation
runs. Nothing here opens a socket or a database, so every other package may import it."""
