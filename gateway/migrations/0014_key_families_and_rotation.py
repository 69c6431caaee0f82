"""Keys made under others, and the secrets that they had before a rotation."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0021_budget_marks_and_low_balances"),
        ("gateway", "0013_searches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_hash", models.CharField(max_length=64, unique=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "llm_former_secrets",
                "ordering": ("-id",),
            },
        ),
        migrations.AddField(
            model_name="virtualkey",
            name="grace_ends_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the last secret from before a rotation stops working.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="virtualkey",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The key that this one was made under, and never goes beyond.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="children",
                to="gateway.virtualkey",
            ),
        ),
        migrations.AddField(
            model_name="virtualkey",
            name="rotated_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="virtualkey",
            name="self_issued",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="Its user made it and may widen it again; what an operator made they may only narrow.",
            ),
        ),
        migrations.AddConstraint(
            model_name="virtualkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("parent__isnull", True), models.Q(("parent", models.F("id")), _negated=True), _connector="OR"
                ),
                name="virtual_key_is_not_its_own_parent",
            ),
        ),
        migrations.AddField(
            model_name="formersecret",
            name="key",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="former_secrets", to="gateway.virtualkey"
            ),
        ),
    ]
