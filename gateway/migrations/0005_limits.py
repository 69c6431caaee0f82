"""What a key may do at once and per minute."""

import django.core.validators
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0008_limits"),
        ("gateway", "0004_key_budgets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="virtualkey",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Calls at the same time; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="virtualkey",
            name="rpm",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Requests per minute; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="virtualkey",
            name="tpm",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Tokens per minute; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="virtualkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rpm__isnull", True), ("rpm__gte", 1), _connector="OR"),
                    models.Q(("tpm__isnull", True), ("tpm__gte", 1), _connector="OR"),
                    models.Q(("concurrency__isnull", True), ("concurrency__gte", 1), _connector="OR"),
                ),
                name="virtual_key_limits_are_usable",
            ),
        ),
    ]
