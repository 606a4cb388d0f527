"""ClickHouse in this process, served on loopback by its native protocol."""
