"""What calls came to."""

from functools import cached_property
from typing import Any

from rest_framework import serializers

from credits.serializers.amount import AmountField
from gateway.usage import names
from gateway.usage.sums import GROUPS, Sums


class SumsOutput(serializers.Serializer[Sums]):
    """`credits` is what was paid. `failed`, `refused` and `own_key_requests`, which a provider key of one's own has
    answered at no cost, are among `requests`; cached tokens and those written to a
    cache among `prompt_tokens`. `duration_ms` is that of all calls together.
    """

    requests = serializers.IntegerField()
    failed = serializers.IntegerField()
    refused = serializers.IntegerField()
    attempts = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    searches = serializers.IntegerField()
    own_key_requests = serializers.IntegerField()
    credits = AmountField(source="charged_nano")
    duration_ms = serializers.IntegerField()


class UsageGroupOutput(SumsOutput):
    """Those of `day`, `model`, ... that were asked for are there, and no others; a key and a user by id and by name,
    which are null for none. An empty text is what was refused before it was known, or had none.
    """

    def get_fields(self) -> dict[str, Any]:
        groups: dict[str, Any] = {name: serializers.CharField(required=False) for name in GROUPS}
        groups["key"] = serializers.IntegerField(required=False, allow_null=True)
        groups["key_name"] = serializers.CharField(required=False, allow_null=True)
        groups["user"] = serializers.CharField(required=False, allow_null=True)
        return {**groups, **super().get_fields()}

    @cached_property
    def _sums(self) -> SumsOutput:
        """Made once: its fields take longer to make than many groups to show."""
        return SumsOutput()

    def to_representation(self, instance: Sums) -> dict[str, Any]:
        group: dict[str, Any] = self.context["labels"].of(instance)
        return group | self._sums.to_representation(instance)


class Labels:
    """What groups are called, with the names of a whole page's keys and users."""

    def __init__(self, group_by: list[str], groups: list[Sums]) -> None:
        self._group_by = group_by
        self._keys = names.of_keys(self._values("key", groups))
        self._users = names.of_users(self._values("user", groups))

    def of(self, sums: Sums) -> dict[str, Any]:
        labels: dict[str, Any] = {}
        for name, value in zip(self._group_by, sums.of, strict=True):
            if name == "key":
                labels |= {"key": value or None, "key_name": self._keys.get(value)}
            elif name == "user":
                labels["user"] = self._users.get(value)
            else:
                labels[name] = str(value)
        return labels

    def _values(self, name: str, groups: list[Sums]) -> list[int]:
        if name not in self._group_by:
            return []
        at = self._group_by.index(name)
        return [group.of[at] for group in groups]


class UsageOutput(serializers.Serializer[dict[str, Any]]):
    """In ascending order. `next` is the next page's address, null after the last; `total` is of all pages, and null on
    those after the first.
    """

    group_by = serializers.ListField(child=serializers.CharField())
    total = SumsOutput(allow_null=True)
    next = serializers.URLField(allow_null=True)
    results = UsageGroupOutput(many=True)

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name for an attribute."""
        days = {"from": serializers.DateField(source="first"), "to": serializers.DateField(source="last")}
        return {**days, **super().get_fields()}
