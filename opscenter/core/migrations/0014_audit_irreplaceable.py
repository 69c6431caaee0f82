"""No entry of the audit log is replaced by another."""

from typing import ClassVar

from django.db import migrations

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [("core", "0013_audit_checks")]

    operations: ClassVar = [AppendOnly("llm_config_audit")]
