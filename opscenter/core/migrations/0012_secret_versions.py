"""Staged and revoked secrets, since when each was in use, and until when a retired one is kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0011_chain_audit_log"),
    ]

    operations = [
        migrations.AddField(
            model_name="secret",
            name="activated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="secret",
            name="kept_until",
            field=models.DateTimeField(
                blank=True, help_text="When a retired secret is revoked; empty: it is kept for good.", null=True
            ),
        ),
        migrations.AddField(
            model_name="secret",
            name="retired_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="secret",
            name="state",
            field=models.CharField(
                choices=[("staged", "Staged"), ("active", "Active"), ("retired", "Retired"), ("revoked", "Revoked")],
                default="active",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="secret",
            index=models.Index(
                condition=models.Q(("state", "retired")), fields=["kept_until"], name="secret_kept_until"
            ),
        ),
        migrations.AddConstraint(
            model_name="secret",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "staged")), fields=("entity_type", "entity_id"), name="secret_one_staged"
            ),
        ),
        migrations.AddConstraint(
            model_name="secret",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["staged", "active", "retired", "revoked"])), name="secret_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="secret",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("state", "revoked"), _negated=True), ("ciphertext", b""), _connector="OR"),
                name="secret_revoked_is_erased",
            ),
        ),
    ]
