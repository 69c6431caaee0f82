"""Units and IDs in the names that people read; no column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0010_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="budget",
            name="scope_id",
            field=models.BigIntegerField(verbose_name="scope ID"),
        ),
        migrations.AlterField(
            model_name="hold",
            name="virtual_key_id",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="virtual key ID"),
        ),
    ]
