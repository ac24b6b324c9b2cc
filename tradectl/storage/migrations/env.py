"""How Alembic runs here: on a connection handed in by :mod:`tradectl.storage.schema`."""

from alembic import context

from tradectl.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
