"""The commands of `huijian admin`, which write to the database that a running server reads, and to the journal.

Begin with `app` (all groups) and `context` (what a command works with). Each group has its module; `slots` may also
tell a running server by `remote`."""
