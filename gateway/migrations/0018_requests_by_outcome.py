"""Requests that did not succeed are found by their outcome."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0017_sums_of_earlier_days")]

    operations = [
        migrations.AddIndex(
            model_name="requestrow",
            index=models.Index(
                fields=["status", "created_at"],
                condition=models.Q(("status", "succeeded"), _negated=True),
                name="request_by_outcome",
            ),
        ),
    ]
