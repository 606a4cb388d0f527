"""From container log files to blocks of the ingest table."""
