"""Credits given and taken back by operators."""

from typing import Any

from rest_framework import serializers

from credits.models import ManualAdjustment
from credits.serializers.amount import AmountField


class AdjustmentInput(serializers.Serializer[object]):
    amount = AmountField(help_text='Credits, such as "1000" or "0.5". A negative amount takes back.')
    reason = serializers.CharField(max_length=500, help_text="Kept in the journal and the audit log.")
    user = serializers.CharField(required=False, help_text="A user name. Default: the caller.")


class DeclineInput(serializers.Serializer[object]):
    remark = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class AdjustmentOutput(serializers.ModelSerializer[ManualAdjustment]):
    """`made`: the credits moved. `proposed`: somebody else has to approve it before `expires_at`."""

    user = serializers.CharField(source="account.user.username", read_only=True)
    amount = AmountField(read_only=True)
    state = serializers.SerializerMethodField()
    proposed_by = serializers.CharField(source="proposed_by.username", read_only=True)
    decided_by = serializers.CharField(source="decided_by.username", read_only=True, allow_null=True, default=None)
    journal = serializers.SerializerMethodField()

    class Meta:
        model = ManualAdjustment
        fields = (
            "id",
            "user",
            "amount",
            "reason",
            "state",
            "proposed_by",
            "decided_by",
            "remark",
            "created_at",
            "expires_at",
            "decided_at",
            "journal",
        )
        read_only_fields = fields

    def get_state(self, adjustment: ManualAdjustment) -> str:
        """made, proposed, declined or expired."""
        return "expired" if adjustment.is_expired else str(adjustment.state)

    def get_journal(self, adjustment: ManualAdjustment) -> str | None:
        """The key of the journal that moved the credits."""
        return adjustment.journal_key if adjustment.state == ManualAdjustment.State.MADE else None


class AdjustmentsQuery(serializers.Serializer[object]):
    state = serializers.ChoiceField(("waiting",), required=False, help_text="waiting: can be approved or declined.")

    @property
    def only_waiting(self) -> bool:
        data: dict[str, Any] = self.validated_data
        return data.get("state") == "waiting"
