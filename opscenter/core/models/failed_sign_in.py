"""Failed sign-ins under their own name; axes writes them, into a table of its own."""

from axes.models import AccessAttempt


class FailedSignIn(AccessAttempt):  # type: ignore[misc]  # axes ships no types
    class Meta:
        proxy = True
        app_label = "core"
        verbose_name = "failed sign-in"
        verbose_name_plural = "failed sign-ins"
