"""Identifiers that sort by the time they were made."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)


_COUNTED = (1 << 62) - 1


def next_to(id: UUID, number: int) -> UUID:
    """The UUIDv7 that is `number` behind `id`, of the same millisecond: the counter of RFC 9562, section 6.2."""
    return UUID(int=id.int & ~_COUNTED | (id.int + number) & _COUNTED)
