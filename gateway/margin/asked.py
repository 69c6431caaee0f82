"""For which days, and by what, a margin is asked for; by the API and the admin alike."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from rest_framework import serializers

from gateway.margin.report import GROUPS

MOST_DAYS = 366
DAYS = 30


class MarginQuery(serializers.Serializer[object]):
    """`first`, `last` and `group_by` once it is valid: the last 30 days by day, unless it says otherwise."""

    group_by = serializers.CharField(
        default="day", help_text=f"One or more of {', '.join(GROUPS)}, with commas between them."
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name for an attribute."""
        first = serializers.DateField(required=False, source="first", help_text="The first day, in UTC.")
        last = serializers.DateField(required=False, source="last", help_text="The last day, in UTC. Default: today.")
        return {**super().get_fields(), "from": first, "to": last}

    def validate_group_by(self, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        unknown = [name for name in names if name not in GROUPS]
        if unknown:
            raise serializers.ValidationError(f"{unknown[0][:40]!r} is none of {', '.join(GROUPS)}.")
        return list(dict.fromkeys(names))

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        last: date = asked.setdefault("last", datetime.now(UTC).date())
        first: date = asked.setdefault("first", last - timedelta(days=DAYS - 1))
        if first > last:
            raise serializers.ValidationError({"from": f"{first} is after {last}, the last day."})
        if (last - first).days >= MOST_DAYS:
            raise serializers.ValidationError({"from": f"Ask for {MOST_DAYS} days at most."})
        return asked
