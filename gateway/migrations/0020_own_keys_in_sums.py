"""Sums tell of searches, and of calls that consumers' own provider keys have answered, which rows tell apart, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0019_idempotent_calls")]

    operations = [
        migrations.AddField("usagestat", "searches", models.BigIntegerField(default=0, db_default=0)),
        migrations.AddField(
            "usagestat",
            "own_key_requests",
            models.BigIntegerField(
                default=0, db_default=0, help_text="Calls that a consumer's own provider key answered."
            ),
        ),
        migrations.AddField("marginstat", "searches", models.BigIntegerField(default=0, db_default=0)),
        migrations.AddField("marginstat", "own_key_requests", models.BigIntegerField(default=0, db_default=0)),
        migrations.AlterField(
            "requestrow",
            "billing_basis",
            models.CharField(
                choices=[
                    ("provider", "Provider's usage"),
                    ("counted", "Counted output"),
                    ("checkpoint", "Last checkpoint"),
                    ("free", "Free"),
                    ("byok", "Own provider key"),
                    ("void", "Nothing charged"),
                ],
                max_length=12,
            ),
        ),
    ]
