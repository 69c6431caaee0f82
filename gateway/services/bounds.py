"""Refuses what a key may not be given: more than its parent has, or than an operator gave who made it."""

from collections.abc import Container

from credits.snapshot import load_power_levels
from gateway import families, rights
from gateway.errors import BeyondBounds, KeyEnded
from gateway.families import MOST_GENERATIONS
from gateway.models import VirtualKey
from gateway.rights import Rights


def rights_of(key: VirtualKey) -> Rights:
    """What a live key may do in the end. Raises KeyEnded."""
    line = families.lines_of([key], among=VirtualKey.objects.live()).get(key.pk)
    if line is None or key.state != "active":
        raise KeyEnded(f"{key} is revoked or has expired, or one has that it was made under: make another.")
    return rights.of_line(line, load_power_levels())


def require_within_parent(key: VirtualKey, *, changed: Container[str] | None = None) -> None:
    """Before `key` is saved, with the chain of the audit log locked. Raises KeyEnded, BeyondBounds.

    What `key` leaves open is as the parent has it. Where only some fields were `changed`, the others are of no matter:
    the parent may have been narrowed since.
    """
    parent = key.parent
    if parent is None:
        return
    if (parent.user_id, parent.account_id) != (key.user_id, key.account_id) or parent.kind != key.kind:
        raise BeyondBounds({"parent": "It is of another user or account."})
    if len(families.lines_of([parent], among=VirtualKey.objects.all())[parent.pk]) == MOST_GENERATIONS:
        raise BeyondBounds({"parent": f"Keys are made under each other {MOST_GENERATIONS - 1} times at most."})
    found = rights.excess(rights.own(key), rights_of(parent), load_power_levels())
    _refuse({field: sentence for field, sentence in found.items() if changed is None or field in changed})


def require_no_wider(key: VirtualKey, *, before: Rights) -> None:
    """Raises BeyondBounds where `key` would let more through than `before`."""
    _refuse(rights.widening(rights.own(key), before, load_power_levels()))


def _refuse(excess: dict[str, str]) -> None:
    if excess:
        raise BeyondBounds(excess)
