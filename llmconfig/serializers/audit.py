"""Entries of the audit log, as they are read."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from opscenter.core.models import AuditEntry


class ChangesOut(serializers.Serializer[object]):
    """What was and what is, of the fields that changed; secrets are masked. `reverts`: the entry that is set back."""

    before = serializers.DictField()
    after = serializers.DictField()
    reverts = serializers.IntegerField(required=False)


class AuditEntryOut(serializers.ModelSerializer[AuditEntry]):
    """`number` and the hashes are its place in the chain; `username` is null where there is no such user any more."""

    username = serializers.CharField(read_only=True, allow_null=True)
    changes = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = (
            "id",
            "number",
            "created_at",
            "action",
            "entity_type",
            "entity_id",
            "user_id",
            "username",
            "source",
            "address",
            "request_id",
            "changes",
            "previous_hash",
            "entry_hash",
        )
        read_only_fields = fields

    @extend_schema_field(ChangesOut)
    def get_changes(self, entry: AuditEntry) -> dict[str, Any]:
        reverts = {"reverts": entry.reverts} if entry.reverts else {}
        return {"before": entry.before, "after": entry.after, **reverts}
