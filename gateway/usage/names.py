"""Names for the ids in sums and requests: of a whole page by one query each."""

from collections.abc import Iterable

from gateway.models import VirtualKey
from opscenter.core.models import User


def of_keys(ids: Iterable[int | None]) -> dict[int, str]:
    """ "name (sk-ops-…)"; what is gone has none."""
    known = {id for id in ids if id}
    return {row.pk: str(row) for row in VirtualKey.objects.filter(pk__in=known)} if known else {}


def of_users(ids: Iterable[int | None]) -> dict[int, str]:
    known = {id for id in ids if id}
    return dict(User.objects.filter(pk__in=known).values_list("pk", "username")) if known else {}
