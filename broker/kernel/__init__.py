"""The kernel holds what every process needs and no process owns. It knows nothing of visits.

Begin with `clock` (the only module that reads time), `ids` and `errors`, which all code uses. `canonical_json` and
`hash_chain` say how evidence is spelled and linked, `atomic_files` and `database` how it is stored. `tasks`, `lifeline`
and `token_bucket` serve the processes, `system_folders` the libraries in them."""
