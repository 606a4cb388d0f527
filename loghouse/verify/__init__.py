"""Proof that what was read is stored, once: row identity (source_id, offset, length) covers every byte."""
