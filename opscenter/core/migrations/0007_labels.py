"""What the admin calls some fields; the tables stay as they are."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0006_password_checks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="user",
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
            model_name="user",
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
