"""Command `logq`: read logs from a terminal; one module a verb."""
