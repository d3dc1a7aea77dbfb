"""The database: tables, engines, queries, migrations. It imports nothing of recux."""
