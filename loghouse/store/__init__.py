"""The store: ClickHouse through its native protocol, and the schema in it."""
