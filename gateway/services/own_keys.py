"""Virtual keys as their users manage them: each their own, within what an operator or a parent key leaves them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from gateway import rights
from gateway.errors import KeyEnded, TooManyKeys
from gateway.models import VirtualKey
from gateway.services import bounds, keys
from gateway.services.keys import IssuedKey
from opscenter.core import audit, changes
from opscenter.core.errors import NotFound, Unprocessable
from opscenter.core.limits import Limits
from opscenter.core.models import LIMIT_FIELDS, User


def keys_of(user: User) -> QuerySet[VirtualKey]:
    return VirtualKey.objects.virtual().filter(user_id=user.pk)


def create(*, user: User, values: Mapping[str, Any]) -> IssuedKey:
    """Raises TooManyKeys, BeyondBounds, KeyEnded; Unprocessable where `parent` is no key of theirs.

    What is left open of environment and power level is the parent's.
    """
    given = dict(values)
    with audit.writing():
        _require_room(user)
        parent = _parent(user, given.pop("parent", None))
        if parent is not None:
            may = bounds.rights_of(parent)
            given = {"environment": may.environment, "power_level": may.power_level} | given
        limits = Limits(**{name: given.pop(name, None) for name in LIMIT_FIELDS})
        account = parent.account if parent else None
        return keys.issue(user=user, account=account, parent=parent, limits=limits, self_issued=True, **given)


def update(*, key: VirtualKey, values: Mapping[str, Any]) -> VirtualKey:
    """Write `values`. What an operator made is only narrowed. Raises KeyEnded, BeyondBounds."""
    with audit.writing():
        stored = VirtualKey.objects.select_for_update().get(pk=key.pk)
        if stored.revoked_at is not None:
            raise KeyEnded(f"{stored} is revoked, and stays as it is.")
        before = rights.own(stored)
        for name, value in values.items():
            setattr(stored, name, value)
        bounds.require_within_parent(stored, changed=_compared(values))
        if not stored.self_issued:
            bounds.require_no_wider(stored, before=before)
        changes.save(stored)
    return stored


def revoke_named(*, user: User, ids: Iterable[int]) -> int:
    """All of these keys and those made under them, or none. Raises NotFound, naming what is not theirs."""
    wanted = set(ids)
    with audit.writing():
        if unknown := sorted(wanted - set(keys_of(user).filter(pk__in=wanted).values_list("pk", flat=True))):
            told = ", ".join(map(str, unknown))
            raise NotFound(f"You have no such key: {told}. Nothing was revoked.", param="ids", details={"ids": unknown})
        return keys.revoke_all(wanted)


def revoke_matching(*, user: User, **wanted: str) -> int:
    """All that have this component, environment and name, whichever are given, and those made under them."""
    with audit.writing():
        chosen = keys_of(user).filter(revoked_at__isnull=True, **wanted)
        return keys.revoke_all(list(chosen.values_list("pk", flat=True)))


def _compared(changed: Iterable[str]) -> set[str]:
    """The fields that bounds know: another period is another budget."""
    return {"budget_credits" if name == "budget_period" else name for name in changed}


def _require_room(user: User) -> None:
    count = VirtualKey.objects.live().virtual().filter(user_id=user.pk).count()
    if count >= settings.VIRTUAL_KEYS_PER_USER:
        raise TooManyKeys(live=count, most=settings.VIRTUAL_KEYS_PER_USER)


def _parent(user: User, parent_id: int | None) -> VirtualKey | None:
    if parent_id is None:
        return None
    parent = keys_of(user).select_related("account").filter(pk=parent_id).first()
    if parent is None:
        raise Unprocessable("You have no such key.", param="parent")
    return parent
