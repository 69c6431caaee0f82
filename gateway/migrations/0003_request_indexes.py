from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0002_request_rows")]

    operations = [
        migrations.AddIndex("requestrow", models.Index(fields=["id"], name="request_by_id")),
        migrations.AddIndex("requestrow", models.Index(fields=["created_at"], name="request_by_time")),
        migrations.AddIndex("requestrow", models.Index(fields=["user_id", "created_at"], name="request_by_user")),
        migrations.AddIndex("requestrow", models.Index(fields=["virtual_key_id", "created_at"], name="request_by_key")),
        migrations.AddIndex("attemptrow", models.Index(fields=["request_id"], name="attempt_by_request")),
        migrations.AddIndex("attemptrow", models.Index(fields=["created_at"], name="attempt_by_time")),
    ]
