"""The interface against its own OpenAPI document: schemathesis sends what the document allows, and what it does not,
as each role, and checks every answer (`make contract`). Begin with `run.py`; `service.py` is the application it asks,
`hooks.py` what schemathesis cannot know, `schemathesis.toml` what is expected."""
