"""How calls are shared out between a model's deployments, and the privacy of one deployment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0021_no_alerts_of_its_own"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="privacy",
            field=models.CharField(
                blank=True,
                choices=[
                    ("high", "High: stays on the operator's servers"),
                    ("medium", "Medium: a provider under contract"),
                    ("low", "Low: may be kept or trained on"),
                ],
                help_text="Empty: high on an AI server, on a provider key as the model, medium at most.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="llmmodel",
            name="strategy",
            field=models.CharField(
                choices=[
                    ("weighted", "Weighted: at random, by weight"),
                    ("least-busy", "Least busy: fewest calls in flight for its weight"),
                    ("lowest-latency", "Lowest latency: the fastest of late, as measured"),
                    ("cost-aware", "Cost-aware: the cheapest"),
                    ("quality", "Quality: the power level's providers and the best score"),
                ],
                default="weighted",
                help_text="Which of its deployments of one priority is asked first. Callers of /api/v2/llm may choose another.",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="deployment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("privacy__in", ["", "low", "medium"]),
                    models.Q(("privacy", "high"), ("server__isnull", False)),
                    _connector="OR",
                ),
                name="deployment_privacy_is_kept",
                violation_error_message="High privacy is for AI servers: a provider's key leads off the operator's.",
            ),
        ),
        migrations.AddConstraint(
            model_name="llmmodel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("strategy__in", ["weighted", "least-busy", "lowest-latency", "cost-aware", "quality"])
                ),
                name="model_strategy_known",
            ),
        ),
    ]
