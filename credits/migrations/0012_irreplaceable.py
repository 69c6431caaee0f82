"""No journal or entry is replaced by another."""

from typing import ClassVar

from django.db import migrations

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0011_units")]

    operations: ClassVar = [AppendOnly("credits_journals"), AppendOnly("llm_transactions")]
