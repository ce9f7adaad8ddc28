"""The store holds in one database everything that Huijian must still know after a power cut.

Begin with `store`, which puts the parts together: `registry` (sites, rooms, terminals), `accounts`, `slots`,
`extensions` and `suspensions`, each on top of `base`. `records` are the rows that it returns, `tables` is the schema,
and `migrations` make it."""
