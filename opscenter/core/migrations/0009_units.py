"""An ID in the name that people read; no column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0008_failed_sign_ins"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="request_id",
            field=models.CharField(blank=True, max_length=64, verbose_name="request ID"),
        ),
    ]
