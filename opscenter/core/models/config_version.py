"""The number that tells every worker when its snapshot is old."""

from django.db import models


class ConfigVersion(models.Model):
    """The one row (id 1) that each configuration change counts up, in the change's own transaction."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField(default=1)

    class Meta:
        db_table = "core_config_version"
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="config_version_is_one_row"),)

    def __str__(self) -> str:
        return str(self.version)
