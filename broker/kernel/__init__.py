"""The kernel is what every process needs and no process owns: ids, the clock, typed errors, background tasks, files
that are replaced whole, the database engine. It knows nothing of visits."""
