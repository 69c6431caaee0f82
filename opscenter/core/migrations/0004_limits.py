"""What a user may do at once and per minute, whatever their tier."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("core", "0003_one_time_passwords"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Calls at the same time; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="rpm",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Requests per minute; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="tpm",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Tokens per minute; empty: unlimited.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rpm__isnull", True), ("rpm__gte", 1), _connector="OR"),
                    models.Q(("tpm__isnull", True), ("tpm__gte", 1), _connector="OR"),
                    models.Q(("concurrency__isnull", True), ("concurrency__gte", 1), _connector="OR"),
                ),
                name="user_limits_are_usable",
            ),
        ),
    ]
