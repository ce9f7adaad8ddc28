"""How long recordings are kept and how they are deleted: due dates, legal holds, approvals by two officers, the
purge."""
