"""What a wallet has, as its owner sees it."""

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credits import amounts
from credits.models import Account, Budget
from credits.serializers.amount import AmountField
from credits.summaries import OpenLot, Summary


class UnitOutput(serializers.Serializer[dict[str, str]]):
    name = serializers.CharField()
    per_usd = serializers.CharField(help_text="Credits that a dollar of provider cost is sold for, before markups.")
    smallest = serializers.CharField()


class LotOutput(serializers.Serializer[OpenLot]):
    amount = AmountField(source="remaining", read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)


class PlanOutput(serializers.Serializer[object]):
    slug = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    credits = AmountField(source="credits_nano", read_only=True)
    period = serializers.CharField(read_only=True)


class LowBalanceOutput(serializers.Serializer[Summary]):
    """Whoever owns the account is told once when the balance comes below the threshold; 0: never."""

    threshold = AmountField(read_only=True)
    is_low = serializers.BooleanField(read_only=True)


class BudgetOutput(serializers.Serializer[Budget]):
    """What all calls on the account may use up in the window that runs: a day, ISO week or month in UTC."""

    window = serializers.CharField(read_only=True)
    amount = AmountField(source="cap", read_only=True)
    spent = AmountField(read_only=True)
    held = AmountField(read_only=True)
    left = AmountField(read_only=True)


class CreditsOutput(serializers.Serializer[Summary]):
    """`available` is what a call can hold now: the balance without what open calls hold and what has expired.

    Calls are refused with 403 unless `status` is active. It is frozen while an operator wants it so; else indebted
    while there is `debt`: what a refund or dispute took and wasn't there. Whatever comes in pays that first, and with
    the last of it the account is active again. `expiring` is the part of the balance that expires, soonest first.
    `budget` is null where the account has none.
    """

    balance = AmountField(source="account.posted", read_only=True)
    held = AmountField(source="account.held", read_only=True)
    available = AmountField(read_only=True)
    debt = AmountField(source="account.debt", read_only=True)
    status = serializers.ChoiceField(Account.Standing.choices, source="account.standing", read_only=True)
    tier = serializers.CharField(source="account.tier", read_only=True)
    plan = PlanOutput(source="account.plan", allow_null=True, read_only=True)
    expiring = LotOutput(source="lots", many=True, read_only=True)
    low_balance = LowBalanceOutput(source="*", read_only=True)
    budget = BudgetOutput(allow_null=True, read_only=True)
    unit = serializers.SerializerMethodField()

    @extend_schema_field(UnitOutput)
    def get_unit(self, summary: Summary) -> dict[str, str]:
        return {"name": "credit", "per_usd": settings.CREDITS_PER_USD, "smallest": amounts.to_text(1)}
