"""Which months have no requests any more, only their sums."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0014_key_families_and_rotation"),
    ]

    operations = [
        migrations.CreateModel(
            name="PrunedMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(help_text="Its first day, in UTC.", unique=True)),
                ("requests", models.BigIntegerField()),
                ("pruned_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "pruned month",
                "db_table": "llm_pruned_months",
                "ordering": ("-month",),
            },
        ),
    ]
