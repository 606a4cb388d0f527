"""`logq verify`: is everything stored, and once? The same as `loghouse verify`."""

from loghouse.verify.command import Verify as Options
from loghouse.verify.command import verify

__all__ = ["Options", "verify"]
