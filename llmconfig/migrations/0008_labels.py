"""What the admin calls some fields; the tables stay as they are."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0007_limits"),
    ]

    operations = [
        migrations.AlterField(
            model_name="aiserver",
            name="base_url",
            field=models.CharField(
                help_text="For example http://gpu1:8000. Where the URL has no path, /v1 is added.",
                max_length=500,
                verbose_name="base URL",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
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
            model_name="deployment",
            name="tpm",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Tokens per minute; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="TPM",
            ),
        ),
        migrations.AlterField(
            model_name="providerkey",
            name="use_for_ops_center",
            field=models.BooleanField(
                default=True,
                help_text="The platform may route consumers' calls over this key.",
                verbose_name="use for calls",
            ),
        ),
    ]
