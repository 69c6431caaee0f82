"""The inner calls of composed calls know their request."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0021_searches_of_earlier_days")]

    operations = [
        migrations.AddField(
            model_name="requestrow",
            name="parent_id",
            field=models.UUIDField(editable=False, null=True, verbose_name="part of"),
        ),
        migrations.AddIndex(
            model_name="requestrow",
            index=models.Index(
                fields=["parent_id"], condition=models.Q(("parent_id__isnull", False)), name="request_by_parent"
            ),
        ),
    ]
