"""Rows as text, one output format a module. A renderer takes pages of rows and a writer, never queries."""
