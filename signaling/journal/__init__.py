"""Exports of the journal: the entries of some days as files that prove themselves, for a court or a supervising body.

Begin with `package`, which makes the file, and `check`, which proves it without a database. `source` reads the entries,
`order` is what passes to the process that makes the file (`builder`, `program`), `workbook` is the part for readers."""
