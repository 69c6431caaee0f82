"""What the API says about plans."""

from rest_framework import serializers

from credits.models import Account, Plan
from credits.serializers.amount import AmountField


class PlanListedOutput(serializers.ModelSerializer[Plan]):
    credits = AmountField(source="credits_nano", read_only=True, help_text="Given per period.")

    class Meta:
        model = Plan
        fields = ("slug", "name", "tier", "credits", "period", "lasts_months", "for_new_wallets")
        read_only_fields = fields


class SetPlanInput(serializers.Serializer[None]):
    user = serializers.CharField(max_length=150, help_text="A user name.")
    plan = serializers.CharField(max_length=40, allow_null=True, help_text="The slug of a plan; null takes it away.")


class AccountPlanOutput(serializers.ModelSerializer[Account]):
    user = serializers.CharField(source="user.username", read_only=True)
    plan = serializers.CharField(source="plan.slug", default=None, allow_null=True, read_only=True)
    balance = AmountField(source="posted", read_only=True)
    next_grant_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = Account
        fields = ("user", "plan", "tier", "balance", "next_grant_at")
        read_only_fields = fields
