from typing import ClassVar

from django.db import migrations

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [("core", "0001_initial")]
    operations: ClassVar = [AppendOnly("llm_config_audit")]
