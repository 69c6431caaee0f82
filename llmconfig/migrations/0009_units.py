"""Units and IDs in the names that people read; no column changes."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0008_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="deployment",
            name="max_tokens_param",
            field=models.CharField(
                blank=True,
                choices=[("max_tokens", "max_tokens"), ("max_completion_tokens", "max_completion_tokens")],
                help_text="Empty: what the provider usually wants.",
                max_length=25,
                verbose_name="token limit parameter",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="timeout_s",
            field=models.PositiveIntegerField(
                default=600, validators=[django.core.validators.MinValueValidator(1)], verbose_name="timeout (s)"
            ),
        ),
        migrations.AlterField(
            model_name="providerkey",
            name="cost_usd",
            field=models.DecimalField(
                decimal_places=9, default=0, editable=False, max_digits=15, verbose_name="cost (USD)"
            ),
        ),
    ]
