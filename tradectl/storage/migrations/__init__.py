"""Alembic migrations: the tables as they grew. Run by :mod:`tradectl.storage.schema`."""
