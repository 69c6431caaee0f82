"""The staged version of a provider key, when it goes into use, and how often keys are to be rotated."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0012_secret_versions"),
        ("llm", "0009_units"),
    ]

    operations = [
        migrations.AddField(
            model_name="providerkey",
            name="activates_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="activation_refusal",
            field=models.CharField(blank=True, editable=False, max_length=300),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="grace_days",
            field=models.PositiveSmallIntegerField(
                default=7,
                help_text="How long a replaced key can be reverted to; then it is erased.",
                validators=[django.core.validators.MaxValueValidator(365)],
                verbose_name="grace period (days)",
            ),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="rotation_due_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="rotation_interval_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="After so many days in use the key is reported as due for rotation; empty: never.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="rotation interval (days)",
            ),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="staged_key",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.secret",
            ),
        ),
        migrations.AddConstraint(
            model_name="providerkey",
            constraint=models.CheckConstraint(
                condition=models.Q(("activates_at__isnull", True), ("staged_key__isnull", False), _connector="OR"),
                name="provider_key_activation_is_staged",
            ),
        ),
    ]
