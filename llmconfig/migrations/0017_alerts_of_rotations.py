"""Alerts tell of keys that are due for rotation too."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0016_rotation_reminders"),
    ]

    operations = [
        migrations.AddField(
            model_name="healthalert",
            name="key",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reminders",
                to="llm.providerkey",
            ),
        ),
        migrations.AlterField(
            model_name="healthalert",
            name="change",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="alerts",
                to="llm.healthchange",
            ),
        ),
        migrations.AddConstraint(
            model_name="healthalert",
            constraint=models.UniqueConstraint(fields=("key", "channel"), name="rotation_alert_once"),
        ),
        migrations.AddConstraint(
            model_name="healthalert",
            constraint=models.CheckConstraint(
                condition=Q(change__isnull=True, key__isnull=False) | Q(change__isnull=False, key__isnull=True),
                name="health_alert_of_change_or_key",
            ),
        ),
        # The way back has no place for reminders.
        migrations.RunSQL(migrations.RunSQL.noop, "DELETE FROM llm_health_alerts WHERE change_id IS NULL"),
    ]
