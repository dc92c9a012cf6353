"""SQLite and PostgreSQL: how operations run, the schema, and where the engines' SQL differs."""
