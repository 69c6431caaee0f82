"""Alerts are core's."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("llm", "0020_alerts_moved")]

    operations: ClassVar = [migrations.DeleteModel(name="HealthAlert")]
