"""Steps of the manifest's tables in PostgreSQL, in order; Alembic runs those that are missing. SQLite's are in kb/manifest_schema.py."""
