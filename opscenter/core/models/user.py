"""People and machines that sign in."""

from typing import Any

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Deactivated, never deleted: the ledger and the audit log name users by number for good.

    `permission_ceiling`, where a request's credential sets it, bounds what this object may do, superuser or not.
    """

    permission_ceiling: frozenset[str] | None = None

    class Meta:
        db_table = "users"
        ordering = ("username",)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        within = self.permission_ceiling is None or perm in self.permission_ceiling
        return within and super().has_perm(perm, obj)
