"""No price is replaced by another."""

from typing import ClassVar

from django.db import migrations

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [("llm", "0017_alerts_of_rotations")]

    operations: ClassVar = [AppendOnly("llm_prices")]
