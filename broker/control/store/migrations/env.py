"""The environment script of Alembic: runs the revisions in the transaction that `migrate` holds."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    render_as_batch=True,  # SQLite cannot alter a table in place
)
context.run_migrations()
