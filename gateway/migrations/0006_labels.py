"""What the admin calls some fields; the tables stay as they are."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0005_limits"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attemptrow",
            name="id",
            field=models.UUIDField(primary_key=True, serialize=False, verbose_name="ID"),
        ),
        migrations.AlterField(
            model_name="requestrow",
            name="http_status",
            field=models.PositiveSmallIntegerField(null=True, verbose_name="HTTP status"),
        ),
        migrations.AlterField(
            model_name="requestrow",
            name="id",
            field=models.UUIDField(primary_key=True, serialize=False, verbose_name="ID"),
        ),
        migrations.AlterField(
            model_name="virtualkey",
            name="rpm",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Requests per minute; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="RPM",
            ),
        ),
        migrations.AlterField(
            model_name="virtualkey",
            name="tpm",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Tokens per minute; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="TPM",
            ),
        ),
    ]
