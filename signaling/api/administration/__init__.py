"""Administration over HTTP, as `huijian admin` does it on the server: `access` says who reaches which site, then sites,
rooms, terminals, users, keys, packs and health. Each change is journaled with the account that made it."""
