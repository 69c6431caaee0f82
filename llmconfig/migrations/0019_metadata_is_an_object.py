"""Metadata is validated wherever it is written."""

from typing import ClassVar

from django.db import migrations, models

from llmconfig.models.metadata import validate_metadata


class Migration(migrations.Migration):
    dependencies: ClassVar = [("llm", "0018_prices_irreplaceable")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name=name,
            name="metadata",
            field=models.JSONField(blank=True, default=dict, validators=[validate_metadata]),
        )
        for name in ("aiserver", "providerkey")
    ]
