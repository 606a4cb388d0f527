"""Backups of the store, by ClickHouse's own BACKUP, and the way back."""
