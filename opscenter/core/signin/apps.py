"""axes, under a name that tells an operator what it keeps."""

from axes.apps import AppConfig


class FailedSignInsConfig(AppConfig):  # type: ignore[misc]  # axes ships no types
    verbose_name = "Failed sign-ins"
