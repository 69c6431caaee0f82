"""Units and IDs in the names that people read; no column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0006_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attemptrow",
            name="cost_usd",
            field=models.DecimalField(decimal_places=9, default=0, max_digits=15, verbose_name="cost (USD)"),
        ),
        migrations.AlterField(
            model_name="attemptrow",
            name="duration_ms",
            field=models.PositiveIntegerField(default=0, verbose_name="duration (ms)"),
        ),
        migrations.AlterField(
            model_name="attemptrow",
            name="n",
            field=models.PositiveSmallIntegerField(verbose_name="No."),
        ),
        migrations.AlterField(
            model_name="attemptrow",
            name="upstream_status",
            field=models.PositiveSmallIntegerField(null=True, verbose_name="upstream HTTP status"),
        ),
        migrations.AlterField(
            model_name="requestrow",
            name="client_request_id",
            field=models.CharField(blank=True, max_length=128, verbose_name="client request ID"),
        ),
        migrations.AlterField(
            model_name="requestrow",
            name="duration_ms",
            field=models.PositiveIntegerField(default=0, verbose_name="duration (ms)"),
        ),
        migrations.AlterField(
            model_name="requestrow",
            name="first_token_ms",
            field=models.PositiveIntegerField(null=True, verbose_name="first token (ms)"),
        ),
        migrations.AlterField(
            model_name="requestrow",
            name="overhead_ms",
            field=models.FloatField(default=0, verbose_name="overhead (ms)"),
        ),
    ]
