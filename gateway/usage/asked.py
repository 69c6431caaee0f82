"""What is asked for of usage: days, groups, requests."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from rest_framework import serializers

from gateway.models import RequestRow
from gateway.usage import listed, sums
from gateway.usage.whose import EVERYBODY

MOST_DAYS = 366
DAYS = 30
MOST_GROUPS, MOST_REQUESTS = 500, 200
_LARGEST = 2**63 - 1


class DaysQuery(serializers.Serializer[object]):
    """`first` and `last` once it is valid: the last 30 days, unless it says otherwise."""

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name for an attribute."""
        first = serializers.DateField(required=False, source="first", help_text="The first day, in UTC.")
        last = serializers.DateField(required=False, source="last", help_text="The last day, in UTC. Default: today.")
        return {**super().get_fields(), "from": first, "to": last}

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        last: date = asked.setdefault("last", datetime.now(UTC).date())
        first: date = asked.setdefault("first", last - timedelta(days=min(DAYS - 1, (last - date.min).days)))
        if first > last:
            raise serializers.ValidationError({"from": f"{first} is after {last}, the last day."})
        if (last - first).days >= MOST_DAYS:
            raise serializers.ValidationError({"from": f"Ask for {MOST_DAYS} days at most."})
        return asked


class _OfUsage(serializers.Serializer[object]):
    """Whose, and what of it."""

    user = serializers.CharField(
        required=False,
        help_text=f"A user name, or {EVERYBODY} for everybody; for operators. Default: the caller.",
    )
    key = serializers.IntegerField(required=False, min_value=0, max_value=_LARGEST, help_text="A virtual key's id.")
    model = serializers.CharField(required=False, allow_blank=True)
    provider = serializers.CharField(required=False, allow_blank=True)
    component = serializers.CharField(required=False, allow_blank=True)
    environment = serializers.CharField(required=False, allow_blank=True)
    tier = serializers.CharField(required=False, allow_blank=True)
    power_level = serializers.CharField(required=False, allow_blank=True)


class GroupsQuery(_OfUsage, DaysQuery):
    """Usage by groups."""

    group_by = serializers.CharField(
        default="day", help_text=f"One or more of {', '.join(sums.GROUPS)}, with commas between them."
    )

    def validate_group_by(self, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        unknown = [name for name in names if name not in sums.GROUPS]
        if unknown:
            raise serializers.ValidationError(f"{unknown[0][:40]!r} is none of {', '.join(sums.GROUPS)}.")
        return list(dict.fromkeys(names))

    def wanted(self, user_id: int | None) -> sums.Wanted:
        asked: dict[str, Any] = self.validated_data
        only = {name: asked[name] for name in sums.FILTERS if name in asked}
        return sums.Wanted(first=asked["first"], last=asked["last"], user_id=user_id, only=only)


class UsageQuery(GroupsQuery):
    cursor = serializers.CharField(required=False, max_length=4000, help_text="From the page before, in its `next`.")
    page_size = serializers.IntegerField(default=100, min_value=1, max_value=MOST_GROUPS)


class RequestsQuery(_OfUsage):
    """Which requests; moments, where DaysQuery has days."""

    operation = serializers.CharField(required=False, allow_blank=True)
    status = serializers.ChoiceField(RequestRow.Status.choices, required=False)
    cursor = serializers.UUIDField(required=False, help_text="From the page before, in its `next`.")
    page_size = serializers.IntegerField(default=50, min_value=1, max_value=MOST_REQUESTS)

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name for an attribute."""
        since = serializers.DateTimeField(required=False, source="since", help_text="The first moment that counts.")
        until = serializers.DateTimeField(
            required=False, source="until", help_text="The first moment that doesn't count."
        )
        return {**super().get_fields(), "from": since, "to": until}

    def validate_cursor(self, cursor: Any) -> Any:
        if not listed.is_cursor(cursor):
            raise serializers.ValidationError("This cursor is of another list: begin without one.")
        return cursor

    def wanted(self, user_id: int | None) -> listed.Wanted:
        asked: dict[str, Any] = self.validated_data
        only = {name: asked[name] for name in listed.FILTERS if name in asked}
        return listed.Wanted(
            user_id=user_id,
            key_id=asked.get("key"),
            since=asked.get("since"),
            until=asked.get("until"),
            only=only,
        )


class ExportQuery(GroupsQuery):
    """Without `group_by` it is a line per request."""

    group_by = serializers.CharField(
        required=False, help_text=f"{', '.join(sums.GROUPS)}: a line per group; without it, a line per request."
    )
