"""Re-encrypting what former keys of the ring encrypted, while everything goes on.

Which key a ciphertext is under, the ciphertext itself says: nothing is noted beside it that could be wrong. So a run
that was killed is simply made again, and finds what is left. Rows are compared and swapped: what somebody writes at the
same moment stays as they wrote it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import transaction

from opscenter.core import secrets
from opscenter.core.sealed import PLACES, Place, Sealed

BATCH = 100
_MOST_NAMED = 20


@dataclass(slots=True)
class Stock:
    """How many rows there are, and how many of them are under former keys or under none of the ring."""

    rows: int = 0
    former: int = 0
    unreadable: int = 0
    unreadable_labels: list[str] = field(default_factory=list)

    def count(self, state: str, sealed: Sealed) -> None:
        self.rows += 1
        self.former += state == _FORMER
        if state == _UNREADABLE:
            self.unreadable += 1
            if len(self.unreadable_labels) < _MOST_NAMED:
                self.unreadable_labels.append(sealed.label)


_CURRENT, _FORMER, _UNREADABLE = "current", "former", "unreadable"


def take_stock() -> Stock:
    """Of every place, row by row: half a minute for a million."""
    stock = Stock()
    for place in PLACES:
        for batch in _batches(place, BATCH):
            for sealed in batch:
                stock.count(_state(sealed), sealed)
    return stock


def sample(count: int) -> Stock:
    """Of the newest `count` rows of every place that nobody could make anew."""
    stock = Stock()
    for place in PLACES:
        if place.is_replaceable:
            continue
        for sealed in place.newest(count):
            stock.count(_state(sealed), sealed)
    return stock


def reencrypt(*, batch_size: int = BATCH, on_batch: Callable[[int, int], None] = lambda seen, done: None) -> int:
    """Put every row under the ring's first key; returns how many were not. A batch is a transaction.

    `on_batch` is told after each how many rows were looked at, and how many of them re-encrypted, so far.
    """
    seen = done = 0
    for place in PLACES:
        for batch in _batches(place, batch_size):
            with transaction.atomic():
                done += sum(_renew(place, sealed) for sealed in batch)
            seen += len(batch)
            on_batch(seen, done)
    return done


def _renew(place: Place, sealed: Sealed) -> bool:
    if _state(sealed) != _FORMER:
        return False
    ring = secrets.key_ring()
    return place.replace(sealed, [ring.rotate(token) for token in sealed.tokens])


def _batches(place: Place, size: int) -> Iterator[list[Sealed]]:
    pk, count = None, min(size, place.at_once)
    while batch := list(place.after(pk, count)):
        yield batch
        pk = batch[-1].pk


def _state(sealed: Sealed) -> str:
    """The worst of a row's ciphertexts."""
    keys = secrets.ring_keys(settings.BYOK_ENCRYPTION_KEY)
    if all(_opens(keys[0], token) for token in sealed.tokens):
        return _CURRENT
    readable = all(any(_opens(key, token) for key in keys) for token in sealed.tokens)
    return _FORMER if readable else _UNREADABLE


def _opens(key: Fernet, token: bytes) -> bool:
    try:
        key.decrypt(token)
    except InvalidToken:
        return False
    return True
