"""How many calls a deployment takes at once, beside those per minute."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0006_permissions"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Calls at the same time; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="deployment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rpm__isnull", True), ("rpm__gte", 1), _connector="OR"),
                    models.Q(("tpm__isnull", True), ("tpm__gte", 1), _connector="OR"),
                    models.Q(("concurrency__isnull", True), ("concurrency__gte", 1), _connector="OR"),
                ),
                name="deployment_limits_are_usable",
            ),
        ),
    ]
