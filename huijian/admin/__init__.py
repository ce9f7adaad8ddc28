"""The admin's commands. They write to the database a running server reads, and to the journal."""
