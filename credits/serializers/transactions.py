"""A wallet's entries, and by what they are looked for."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credits.models import Entry, Journal
from credits.serializers.amount import AmountField
from credits.statements import Wanted

MOST_ON_A_PAGE = 200


class TransactionsQuery(serializers.Serializer[object]):
    kind = serializers.ChoiceField(Journal.Kind.choices, required=False)
    model = serializers.CharField(required=False)
    provider = serializers.CharField(required=False)
    request = serializers.UUIDField(required=False, help_text="A call's id, from its answer's x-request-id.")
    user = serializers.CharField(required=False, help_text="A user name; for operators. Default: the caller.")
    cursor = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    page_size = serializers.IntegerField(default=50, min_value=1, max_value=MOST_ON_A_PAGE)

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name for an attribute."""
        since = serializers.DateTimeField(required=False, source="since", help_text="The first moment that counts.")
        until = serializers.DateTimeField(
            required=False, source="until", help_text="The first moment that doesn't count."
        )
        return {**super().get_fields(), "from": since, "to": until}

    @property
    def wanted(self) -> Wanted:
        names = ("kind", "model", "provider", "since", "until")
        given = {name: self.validated_data[name] for name in names if name in self.validated_data}
        return Wanted(**given, request_id=self.validated_data.get("request"))


class TransactionOutput(serializers.ModelSerializer[Entry]):
    """`amount` is positive into the wallet; `number` counts the wallet's transactions from 1.

    Where `account` is debt it isn't the balance that changed: a positive `amount` paid so much of the debt, a negative
    one is what was taken back and wasn't there. Such a row has neither number nor balance; what one payment or refund
    did to wallet and debt adds up to it.
    """

    number = serializers.IntegerField(source="version", allow_null=True, read_only=True)
    account = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(Journal.Kind.choices, source="journal.kind", read_only=True)
    reason = serializers.CharField(source="journal.reason", read_only=True)
    request_id = serializers.UUIDField(source="journal.request_id", allow_null=True, read_only=True)
    amount = AmountField(read_only=True)
    balance_after = AmountField(allow_null=True, read_only=True)
    created_at = serializers.DateTimeField(source="journal.created_at", read_only=True)

    class Meta:
        model = Entry
        fields = (
            "id",
            "number",
            "account",
            "created_at",
            "kind",
            "amount",
            "balance_after",
            "reason",
            "request_id",
            "model",
            "provider",
            "tokens",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(("wallet", "debt")))
    def get_account(self, entry: Entry) -> str:
        return "debt" if entry.version is None else "wallet"


class TransactionsOutput(serializers.Serializer[object]):
    """`next` is the next page's address, null after the last. A page of a search by model, provider, or the kinds usage
    and adjustment may have few results or none and not be the last. Rows of the debt are on top of `page_size`.
    """

    next = serializers.URLField(allow_null=True)
    results = TransactionOutput(many=True)
