"""Which live key a secret belongs to, by the database: its own secret, or one from before a rotation, for a while."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from gateway.families import Line, lines_of
from gateway.models import FormerSecret, VirtualKey


class Bearer(NamedTuple):
    """The key with those that it was made under, all live; `ends_at` is the secret's own end, where it has one."""

    line: Line
    ends_at: datetime | None

    @property
    def key(self) -> VirtualKey:
        return self.line[0]

    @property
    def expires_at(self) -> datetime | None:
        """The first end of them all."""
        if len(self.line) == 1 and self.ends_at is None:
            return self.key.expires_at
        ends = (self.ends_at, *(key.expires_at for key in self.line))
        return min((end for end in ends if end is not None), default=None)


# Of no use to a caller; most of a row's time goes into times.
_UNREAD = {
    "": ("name", "rotated_at", "grace_ends_at", "reauthenticated_at", "created_at", "updated_at"),
    "user__": ("password", "last_login", "date_joined", "email", "first_name", "last_name"),
    "account__": ("created_at", "next_expiry_at", "next_grant_at"),
}


def load() -> dict[str, Bearer]:
    """Everybody by the hash of the secret, as far as a caller is made of it; two queries, to be read as one."""
    unread = [f"{row}{field}" for row, fields in _UNREAD.items() for field in fields]
    keys = list(VirtualKey.objects.live().select_related("user", "account").defer(*unread))
    return _bearers(keys, list(FormerSecret.objects.live()), lines_of(keys, among=None))


def find(secret_hashes: Collection[str]) -> dict[str, Bearer]:
    """Those of these hashes. The keys are read first: of one that is being rotated the secret is found in any case."""
    live = VirtualKey.objects.live().select_related("user", "account")
    keys = list(live.filter(secret_hash__in=secret_hashes))
    formers: list[FormerSecret] = []
    if unknown := set(secret_hashes) - {key.secret_hash for key in keys}:
        formers = list(FormerSecret.objects.live().filter(secret_hash__in=unknown))
        wanted = {former.key_id for former in formers} - {key.pk for key in keys}
        keys += live.filter(pk__in=wanted) if wanted else ()
    found = _bearers(keys, formers, lines_of(keys, among=VirtualKey.objects.live()))
    return {secret_hash: found[secret_hash] for secret_hash in secret_hashes if secret_hash in found}


def _bearers(keys: list[VirtualKey], formers: list[FormerSecret], lines: dict[int, Line]) -> dict[str, Bearer]:
    own = {key.secret_hash: Bearer(lines[key.pk], None) for key in keys if key.pk in lines}
    return own | {
        former.secret_hash: Bearer(lines[former.key_id], former.expires_at)
        for former in formers
        if former.key_id in lines
    }
