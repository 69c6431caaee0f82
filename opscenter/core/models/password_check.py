"""Passwords that are being looked at: until it is known that one is wrong, it counts as if it were."""

from django.db import models


class PasswordCheck(models.Model):
    """One row per check under way, which deletes it; those of a process that died count for a minute."""

    username = models.CharField(max_length=150)
    address = models.CharField(max_length=45)
    began_at = models.DateTimeField()

    class Meta:
        db_table = "core_password_checks"

    def __str__(self) -> str:
        return f"{self.address} {self.began_at}"
