"""Steps from one shape of the database to the next, in order; Alembic runs those that are missing."""
