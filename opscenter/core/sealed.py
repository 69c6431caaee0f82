"""The places where something is stored that the key ring encrypted; core.reencryption goes through all of them.

Whoever stores what core.secrets encloses in a column of their own registers a place for it, when their app is ready.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import transaction

from opscenter.core.models import Secret


@dataclass(frozen=True, slots=True)
class Sealed:
    """A row with its ciphertexts, as they were read; `label` says to operators what it belongs to."""

    pk: Any
    label: str
    tokens: tuple[bytes, ...]


class Place(Protocol):
    """`is_replaceable`: what can be made anew, if need be, says nothing about which ring is the right one. So
    many rows as `at_once` says fit into memory together.
    """

    name: str
    is_replaceable: bool
    at_once: int

    def after(self, pk: Any, count: int) -> Sequence[Sealed]:
        """The next `count` rows by primary key; the first ones after None."""

    def newest(self, count: int) -> Sequence[Sealed]: ...

    def replace(self, sealed: Sealed, tokens: Sequence[bytes]) -> bool:
        """Store `tokens` instead of those that were read; False where others are there by now."""


PLACES: list[Place] = []
_AT_ONCE = 1000


def register(place: Place) -> None:
    PLACES[:] = [*(known for known in PLACES if known.name != place.name), place]


class SecretRows:
    """core_secrets: the versions of every API key, those apart that are erased."""

    name = "API keys and other secrets"
    is_replaceable = False
    at_once = _AT_ONCE

    def after(self, pk: Any, count: int) -> list[Sealed]:
        rows = Secret.objects.exclude(state=Secret.State.REVOKED).order_by("pk")
        return self._read(rows.filter(pk__gt=pk)[:count] if pk is not None else rows[:count])

    def newest(self, count: int) -> list[Sealed]:
        return self._read(Secret.objects.exclude(state=Secret.State.REVOKED).order_by("-pk")[:count])

    def replace(self, sealed: Sealed, tokens: Sequence[bytes]) -> bool:
        found = Secret.objects.filter(pk=sealed.pk, ciphertext=sealed.tokens[0])
        return bool(found.update(ciphertext=tokens[0]))

    def _read(self, rows: Any) -> list[Sealed]:
        return [
            Sealed(pk, f"{entity} {id}, version {number}", (bytes(ciphertext),))
            for pk, entity, id, number, ciphertext in rows.values_list(
                "pk", "entity_type", "entity_id", "number", "ciphertext"
            )
        ]


class Column:
    """Texts inside the value of a column, such as JSON: `tokens_in` finds them, `with_tokens` puts others in their
    place, in the same order."""

    def __init__(
        self,
        name: str,
        rows: Callable[[], Any],
        column: str,
        label: Callable[[Any], str],
        tokens_in: Callable[[Any], list[str]],
        with_tokens: Callable[[Any, list[str]], Any],
        is_replaceable: bool = False,
        at_once: int = _AT_ONCE,
    ) -> None:
        self.name, self.is_replaceable, self.at_once = name, is_replaceable, at_once
        self._rows, self._column, self._label = rows, column, label
        self._tokens_in, self._with_tokens = tokens_in, with_tokens

    def after(self, pk: Any, count: int) -> list[Sealed]:
        rows = self._rows().order_by("pk")
        return self._read(rows.filter(pk__gt=pk)[:count] if pk is not None else rows[:count])

    def newest(self, count: int) -> list[Sealed]:
        return self._read(self._rows().order_by("-pk")[:count])

    @transaction.atomic
    def replace(self, sealed: Sealed, tokens: Sequence[bytes]) -> bool:
        row = self._rows().select_for_update(of=("self",)).filter(pk=sealed.pk).first()
        if row is None or self._sealed(row).tokens != sealed.tokens:
            return False
        data = self._with_tokens(getattr(row, self._column), [token.decode() for token in tokens])
        return bool(self._rows().filter(pk=row.pk).update(**{self._column: data}))

    def _read(self, rows: Any) -> list[Sealed]:
        return [self._sealed(row) for row in rows]

    def _sealed(self, row: Any) -> Sealed:
        tokens = self._tokens_in(getattr(row, self._column))
        return Sealed(row.pk, self._label(row), tuple(token.encode() for token in tokens))
