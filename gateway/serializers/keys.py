"""Virtual keys as their users see and set them. The secret is in the answers that make one, and in no other."""

from decimal import Decimal
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credits import amounts
from credits.models import PowerLevel
from credits.serializers.amount import AmountField
from gateway.models import VirtualKey
from gateway.rights import Rights
from gateway.services.key_rotation import LONGEST_GRACE_S
from llmconfig.models import Purpose
from llmconfig.serializers.fields import MAX_ID, ModelChoiceField

_MOST_NAMES = 500
_MOST_IDS = 1000
_LARGEST = 2**31 - 1


@extend_schema_field(OpenApiTypes.STR)
class BudgetField(AmountField):
    """Credits as a decimal inside, a decimal string outside."""

    def to_representation(self, value: Any) -> str:
        return super().to_representation(amounts.to_nano(value))

    def to_internal_value(self, data: Any) -> Any:
        nano = super().to_internal_value(data)
        if nano < 0:
            raise serializers.ValidationError("A budget is nothing or more.")
        return Decimal(amounts.to_text(nano))


class EnvironmentField(serializers.ChoiceField):
    """Short or long: prod, Production."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=VirtualKey.Environment.choices, **options)

    def to_internal_value(self, data: Any) -> Any:
        named = VirtualKey.Environment.named(data) if isinstance(data, str) else None
        return super().to_internal_value(named.value if named else data)


def _limit(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=_LARGEST, allow_null=True, required=False, help_text=f"{what}; null: no limit."
    )


class VirtualKeyChange(serializers.Serializer[VirtualKey]):
    name = serializers.CharField(max_length=100, required=False)
    environment = EnvironmentField(required=False)
    component = serializers.CharField(
        max_length=100, allow_blank=True, required=False, help_text="Tags usage, where a call names no component."
    )
    power_level = serializers.SlugRelatedField(
        slug_field="slug", queryset=PowerLevel.objects.all(), required=False, help_text="Such as eco, balanced."
    )
    allowed_models = serializers.ListField(
        child=serializers.CharField(max_length=200),
        allow_empty=False,
        max_length=_MOST_NAMES,
        allow_null=True,
        required=False,
        help_text="Names of models; null: all.",
    )
    allowed_purposes = serializers.ListField(
        child=ModelChoiceField(Purpose),
        allow_empty=False,
        max_length=len(Purpose),
        allow_null=True,
        required=False,
        help_text="null: all.",
    )
    rpm = _limit("Requests per minute")
    tpm = _limit("Tokens per minute")
    concurrency = _limit("Calls at the same time")
    budget_credits = BudgetField(
        allow_null=True, required=False, help_text='Credits per period, such as "0.5"; null: no budget.'
    )
    budget_period = ModelChoiceField(VirtualKey.BudgetPeriod, required=False, help_text="Of the calendar, in UTC.")
    expires_at = serializers.DateTimeField(allow_null=True, required=False, help_text="null: never.")

    def validate_power_level(self, level: PowerLevel) -> str:
        return level.slug

    def validate_expires_at(self, value: Any) -> Any:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("That is over already. To end a key at once, delete it.")
        return value


class VirtualKeyInput(VirtualKeyChange):
    """What is left out is open, or as the parent has it."""

    name = serializers.CharField(max_length=100)
    parent = serializers.IntegerField(  # type: ignore[assignment]  # fields are no attributes of the class
        min_value=1,
        max_value=MAX_ID,
        allow_null=True,
        required=False,
        help_text="A key of yours: the new one stays within it, counts against its limits and budget, ends with it.",
    )


class BudgetInForce(serializers.Serializer[Any]):
    credits = BudgetField()
    period = serializers.CharField()


class RightsOutput(serializers.Serializer[Rights]):
    """What is in force: the key's own settings within those of the keys that it was made under."""

    allowed_models = serializers.SerializerMethodField()
    allowed_purposes = serializers.SerializerMethodField()
    power_level = serializers.CharField()
    environment = serializers.CharField()
    rpm = serializers.IntegerField(source="limits.rpm", allow_null=True)
    tpm = serializers.IntegerField(source="limits.tpm", allow_null=True)
    concurrency = serializers.IntegerField(source="limits.concurrency", allow_null=True)
    budgets = BudgetInForce(many=True, help_text="Calls count against each of them.")
    expires_at = serializers.DateTimeField(allow_null=True)

    def get_allowed_models(self, rights: Rights) -> list[str] | None:
        return None if rights.allowed_models is None else sorted(rights.allowed_models)

    def get_allowed_purposes(self, rights: Rights) -> list[str] | None:
        return None if rights.allowed_purposes is None else sorted(rights.allowed_purposes)


class VirtualKeyOutput(serializers.ModelSerializer[VirtualKey]):
    """`self_issued`: you made it and may widen it again. `grace_ends_at`: until then a former secret works, null where
    none does.
    """

    masked_key = serializers.CharField(source="masked", read_only=True)
    parent = serializers.IntegerField(  # type: ignore[assignment]  # as above
        source="parent_id", allow_null=True, read_only=True
    )
    state = serializers.SerializerMethodField()
    budget_credits = BudgetField(read_only=True, allow_null=True)
    grace_ends_at = serializers.DateTimeField(source="grace_until", allow_null=True, read_only=True)
    in_force = serializers.SerializerMethodField()

    class Meta:
        model = VirtualKey
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "masked_key",
            "name",
            "state",
            "environment",
            "component",
            "parent",
            "self_issued",
            "power_level",
            "allowed_models",
            "allowed_purposes",
            "rpm",
            "tpm",
            "concurrency",
            "budget_credits",
            "budget_period",
            "expires_at",
            "in_force",
            "grace_ends_at",
            "rotated_at",
            "revoked_at",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields

    def get_state(self, key: VirtualKey) -> str:
        """active, expired or revoked; a key expires with those that it was made under."""
        ends_at = self._rights(key).expires_at
        is_over = ends_at is not None and ends_at <= timezone.now()
        return "expired" if key.state == "active" and is_over else key.state

    @extend_schema_field(RightsOutput)
    def get_in_force(self, key: VirtualKey) -> Any:
        return RightsOutput(self._rights(key)).data

    def _rights(self, key: VirtualKey) -> Rights:
        rights: Rights = self.context["rights"][key.pk]
        return rights


class IssuedKeyOutput(VirtualKeyOutput):
    """`key` is the secret, shown this once."""

    key = serializers.SerializerMethodField()

    class Meta(VirtualKeyOutput.Meta):
        fields = ("key", *VirtualKeyOutput.Meta.fields)
        read_only_fields = fields

    def get_key(self, key: VirtualKey) -> str:
        return str(self.context["plaintext"])


class RotateInput(serializers.Serializer[Any]):
    grace_s = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_GRACE_S,
        required=False,
        help_text="How long the former secret goes on working; 0 ends every former one at once. Default: a day, unless "
        "the operators chose otherwise.",
    )


class RevokeInput(serializers.Serializer[Any]):
    """Either `ids`, or at least one of the others: keys that have all of those that are given."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        allow_empty=False,
        max_length=_MOST_IDS,
        required=False,
    )
    component = serializers.CharField(max_length=100, required=False)
    environment = EnvironmentField(required=False)
    name = serializers.CharField(max_length=100, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Say which: ids, or component, environment or name.")
        if "ids" in attrs and len(attrs) > 1:
            raise serializers.ValidationError("Give ids, or component, environment and name; not both.")
        return attrs


class RevokedOutput(serializers.Serializer[Any]):
    revoked = serializers.IntegerField(help_text="How many were live, those made under them included.")
