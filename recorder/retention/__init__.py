"""Retention: how long recordings are kept, and how they are deleted by two officers.

Begin with `rules`, the pure decision whether a recording may go. `plan` lists what is due, `approvals` is the second
officer's consent to one plan, `purge` carries it out through `removal`, and `due_proof` lets nothing go that is not due
by what is signed. `holds` (repaired by `hold_repair`), `policy_changes`, `clock_trust` and `dating` (of recordings made
with a wrong clock) keep recordings longer. Only `rules` is pure: the others use the database, and `due_proof` and
`removal` read and delete files and block."""
