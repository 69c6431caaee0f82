"""Sessions call by a key of their user's own, of which there is one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0022_parts_of_requests")]

    operations = [
        migrations.AlterField(
            model_name="virtualkey",
            name="kind",
            field=models.CharField(
                choices=[("virtual", "Virtual key"), ("access", "Access token"), ("session", "Browser's session")],
                default="virtual",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="virtualkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "session"), ("revoked_at__isnull", True)),
                fields=("user",),
                name="virtual_key_one_for_sessions",
            ),
        ),
    ]
