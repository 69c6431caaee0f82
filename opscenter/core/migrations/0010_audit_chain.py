"""Columns and head of the audit log's hash chain."""

import django.utils.timezone
from django.db import migrations, models

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0009_units"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField(default=0)),
                ("entry_hash", models.CharField(blank=True, default="", max_length=64)),
                ("seal", models.TextField(blank=True, default="")),
            ],
            options={
                "db_table": "core_audit_head",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="audit_head_is_one_row")],
            },
        ),
        migrations.AddField(
            model_name="auditentry",
            name="number",
            field=models.PositiveBigIntegerField(editable=False, null=True, unique=True),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        AppendOnly("llm_config_audit"),
    ]
