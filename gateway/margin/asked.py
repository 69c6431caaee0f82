"""By what, beside the days, a margin is asked for; by the API and the admin alike."""

from rest_framework import serializers

from gateway.margin.report import GROUPS
from gateway.usage.asked import DaysQuery


class MarginQuery(DaysQuery):
    """`first`, `last` and `group_by` once it is valid: the last 30 days by day, unless it says otherwise."""

    group_by = serializers.CharField(
        default="day", help_text=f"One or more of {', '.join(GROUPS)}, with commas between them."
    )

    def validate_group_by(self, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        unknown = [name for name in names if name not in GROUPS]
        if unknown:
            raise serializers.ValidationError(f"{unknown[0][:40]!r} is none of {', '.join(GROUPS)}.")
        return list(dict.fromkeys(names))
