"""What a reversal gave back, which payment an event waits for, and comparisons with Stripe."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("credits", "0015_debts"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="StripeReconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("days", models.PositiveIntegerField()),
                ("livemode", models.BooleanField()),
                ("started_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("sessions", models.PositiveIntegerField(default=0)),
                ("refunds", models.PositiveIntegerField(default=0)),
                ("disputes", models.PositiveIntegerField(default=0)),
                (
                    "applied",
                    models.JSONField(default=list, help_text="What Stripe knew and the books did not: applied now."),
                ),
                ("differences", models.JSONField(default=list)),
                ("error", models.TextField(blank=True, help_text="Why it was not completed.")),
            ],
            options={
                "db_table": "credits_stripe_reconciliations",
                "ordering": ("-id",),
            },
        ),
        migrations.AddField(
            model_name="reversal",
            name="returned_minor",
            field=models.PositiveIntegerField(
                default=0, help_text="What came back: of a refund that failed, of a dispute that was won."
            ),
        ),
        migrations.AddField(
            model_name="stripeevent",
            name="payment_intent",
            field=models.CharField(
                blank=True, help_text="What it is about.", max_length=255, verbose_name="Stripe payment intent"
            ),
        ),
        migrations.AlterField(
            model_name="stripeevent",
            name="payload",
            field=models.JSONField(help_text="What of the event is needed to apply it; nothing about the buyer."),
        ),
        migrations.AddIndex(
            model_name="stripeevent",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["payment_intent"], name="stripe_event_of_payment"
            ),
        ),
        migrations.AddConstraint(
            model_name="reversal",
            constraint=models.CheckConstraint(
                condition=models.Q(("returned_minor__lte", models.F("amount_minor"))),
                name="reversal_returns_what_it_took",
            ),
        ),
    ]
