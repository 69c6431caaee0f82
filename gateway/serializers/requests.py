"""Requests, and their receipts."""

from typing import Any

from rest_framework import serializers

from credits.models import Entry, Hold, Journal
from credits.serializers.amount import AmountField
from gateway.models import AttemptRow, RequestRow


class RequestOutput(serializers.ModelSerializer[RequestRow]):
    """One call. `held` and `credits` are credits; `model` and `provider` are whose answer it was, `requested_model` is
    what was asked for. `key_name` is null for a sign-in's and for what is gone. A composed call's tokens and credits
    are those of its inner calls, whose `parent_id` it is.
    """

    key = serializers.IntegerField(source="virtual_key_id", allow_null=True, read_only=True)
    key_name = serializers.SerializerMethodField()
    user = serializers.SerializerMethodField()
    held = AmountField(source="held_nano", read_only=True)
    credits = AmountField(source="charged_nano", read_only=True)

    class Meta:
        model = RequestRow
        fields = (
            *("id", "parent_id", "created_at", "client_request_id", "endpoint", "status", "http_status", "error_code"),
            *("user", "key", "key_name", "environment", "component", "operation", "routing_path"),
            *("requested_model", "model", "provider", "tier", "power_level", "streamed", "attempts"),
            *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "searches"),
            *("billing_basis", "held", "credits", "duration_ms", "first_token_ms", "overhead_ms"),
        )
        read_only_fields = fields

    def get_key_name(self, row: RequestRow) -> str | None:
        found: dict[int, str] = self.context["keys"]
        return found.get(row.virtual_key_id or 0)

    def get_user(self, row: RequestRow) -> str | None:
        found: dict[int, str] = self.context["users"]
        return found.get(row.user_id or 0)


class RequestsOutput(serializers.Serializer[object]):
    """Newest first. `next` is the next page's address, null after the last. A page of a search by anything but user,
    key and time may have few results or none and not be the last.
    """

    next = serializers.URLField(allow_null=True)
    results = RequestOutput(many=True)


class AttemptOutput(serializers.ModelSerializer[AttemptRow]):
    """One upstream call; `price_version` and `rates` are those that it would be billed at."""

    price_version = serializers.IntegerField(source="price_id", allow_null=True, read_only=True)
    rates = serializers.DictField(read_only=True)

    class Meta:
        model = AttemptRow
        fields = (
            *("n", "provider", "outcome", "upstream_status", "usage_source"),
            *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "searches"),
            *("price_version", "rates", "duration_ms"),
        )
        read_only_fields = fields


class StepOutput(serializers.Serializer[Any]):
    what = serializers.CharField()
    how = serializers.CharField()
    result = serializers.CharField()


class MovedOutput(serializers.ModelSerializer[Entry]):
    """What a call moved on the account that paid for it: negative out of it."""

    kind = serializers.ChoiceField(Journal.Kind.choices, source="journal.kind", read_only=True)
    amount = AmountField(read_only=True)
    created_at = serializers.DateTimeField(source="journal.created_at", read_only=True)

    class Meta:
        model = Entry
        fields = ("id", "kind", "amount", "created_at", "model", "provider", "tokens")
        read_only_fields = fields


class HoldOutput(serializers.ModelSerializer[Hold]):
    """`amount` was held of the account, `captured` is what was charged when the hold ended, null where nothing was."""

    amount = AmountField(read_only=True)
    captured = AmountField(allow_null=True, read_only=True)
    credits_per_usd = serializers.SerializerMethodField()

    class Meta:
        model = Hold
        fields = ("state", "mode", "amount", "captured", "basis", "created_at", "closed_at", "credits_per_usd")
        read_only_fields = fields

    def get_credits_per_usd(self, hold: Hold) -> str | None:
        rate: str | None = hold.rates.get("credits_per_usd")
        return rate


class BillOutput(serializers.Serializer[Any]):
    """`recomputed` is what the stored tokens, prices, markup, multiplier and hold come to by `steps`, null where too
    little is stored to say; `agrees` whether charge and ledger say the same. `price_version`, `tier_version` and
    `power_level_version` are those of `rates`: null where nothing answered.
    """

    why = serializers.CharField()
    steps = StepOutput(many=True)
    recomputed = AmountField(source="due_nano", allow_null=True)
    agrees = serializers.SerializerMethodField()
    contradictions = serializers.ListField(child=serializers.CharField())

    def get_agrees(self, receipt: Any) -> bool:
        return not receipt.is_contradicted


class ReceiptOutput(serializers.Serializer[Any]):
    """A call with all that its price rests on, and the price made out anew. `rates` are prices in USD per 1M tokens,
    the tier's markup, the power level's multiplier and the versions of each, as of the attempt that answered.
    """

    request = RequestOutput()
    attempts = AttemptOutput(many=True)
    parts = RequestOutput(many=True)
    rates = serializers.DictField()
    hold = HoldOutput(allow_null=True)
    moved = MovedOutput(many=True)
    bill = BillOutput()
