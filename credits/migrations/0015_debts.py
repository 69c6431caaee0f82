"""An account for the debt of every user who has a wallet, and wallets by what expires next."""

from typing import Any, ClassVar

from django.db import migrations, models

_BATCH = 1000


def open_debts(apps: Any, schema_editor: Any) -> None:
    accounts = apps.get_model("credits", "Account")._default_manager.using(schema_editor.connection.alias)
    users = accounts.filter(kind="wallet").values_list("user_id", flat=True).iterator(_BATCH)
    debts = (accounts.model(kind="system", code=f"debt:{user_id}") for user_id in users)
    accounts.bulk_create(debts, batch_size=_BATCH, ignore_conflicts=True)


def close_debts(apps: Any, schema_editor: Any) -> None:
    """Where somebody owed, the entries stay, and with them the account."""
    accounts = apps.get_model("credits", "Account")._default_manager.using(schema_editor.connection.alias)
    accounts.filter(kind="system", code__startswith="debt:", entries=None).delete()


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0014_rate_versions")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="account",
            name="code",
            field=models.CharField(help_text="wallet:USER, debt:USER, revenue, ...", max_length=80, unique=True),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(("next_expiry_at__isnull", False)),
                fields=["next_expiry_at"],
                name="wallet_by_next_expiry",
            ),
        ),
        migrations.RunPython(open_debts, close_debts),
    ]
