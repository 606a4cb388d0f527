"""Format packs: SQL that recognises what programs write and takes it apart, at insert and at read time."""

from loghouse.formats.fields import field_exists, field_key_present, field_text, field_type

__all__ = ["field_exists", "field_key_present", "field_text", "field_type"]
