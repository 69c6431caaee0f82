"""What the API says about packages and purchases. Prices are in the currency's smallest unit."""

from rest_framework import serializers

from credits.models import Package, Purchase, Reversal
from credits.serializers.amount import AmountField


class PackageOutput(serializers.ModelSerializer[Package]):
    credits = AmountField(source="credits_nano", read_only=True)

    class Meta:
        model = Package
        fields = ("slug", "name", "credits", "price_minor", "currency")
        read_only_fields = fields


class PurchaseInput(serializers.Serializer[None]):
    package = serializers.CharField(max_length=40, help_text="The slug of a package.")


class PurchaseOutput(serializers.ModelSerializer[Purchase]):
    package = serializers.CharField(source="package.slug", read_only=True)
    credits = AmountField(source="credits_nano", read_only=True)
    url = serializers.CharField(read_only=True, help_text="Where it is paid.")

    class Meta:
        model = Purchase
        fields = ("id", "package", "credits", "amount_minor", "currency", "state", "url", "created_at")
        read_only_fields = fields


class RefundInput(serializers.Serializer[None]):
    amount_minor = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, help_text="Unless given, all that is left."
    )
    reason = serializers.CharField(max_length=1000)
    allow_debt = serializers.BooleanField(
        default=False, help_text="Pay back even where the credits are spent: the buyer owes them."
    )


class RefundOutput(serializers.ModelSerializer[Reversal]):
    taken = AmountField(source="taken_nano", read_only=True)

    class Meta:
        model = Reversal
        fields = ("id", "purchase", "state", "stripe_id", "amount_minor", "taken", "reason", "created_at")
        read_only_fields = fields
