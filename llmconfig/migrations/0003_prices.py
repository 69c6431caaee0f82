"""What it costs, a row per version."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0002_model_catalog"),
    ]

    operations = [
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.PositiveIntegerField(help_text="1 for the first version, counting up.")),
                (
                    "input_price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        max_digits=15,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cached_input_price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        max_digits=15,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cache_write_price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        max_digits=15,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "output_price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        max_digits=15,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "search_price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        max_digits=15,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="prices",
                        to="llm.deployment",
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="prices",
                        to="llm.llmmodel",
                    ),
                ),
            ],
            options={
                "db_table": "llm_prices",
                "ordering": ("model_id", "deployment_id", "-number"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deployment__isnull", True)),
                        fields=("model", "number"),
                        name="price_number_once_per_model",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deployment__isnull", False)),
                        fields=("deployment", "number"),
                        name="price_number_once_per_deployment",
                    ),
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="price_numbers_start_at_one"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("input_price__isnull", True), ("input_price__gte", 0), _connector="OR"),
                            models.Q(
                                ("cached_input_price__isnull", True),
                                ("cached_input_price__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cache_write_price__isnull", True),
                                ("cache_write_price__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(("output_price__isnull", True), ("output_price__gte", 0), _connector="OR"),
                            models.Q(("search_price__isnull", True), ("search_price__gte", 0), _connector="OR"),
                        ),
                        name="price_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("input_price__isnull", False),
                            models.Q(
                                ("cache_write_price__isnull", True),
                                ("cached_input_price__isnull", True),
                                ("input_price__isnull", True),
                                ("output_price__isnull", True),
                                ("search_price__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="price_has_an_input_rate",
                    ),
                ],
            },
        ),
    ]
