"""Rows to text: for terminals, pipes and programs."""
