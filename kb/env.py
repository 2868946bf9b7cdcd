"""Alembic's entry: runs the missing steps on the connection that `kb.postgres_manifest` hands over, in the index's own schema."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="manifest_version",
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
