"""When consumers have had keys tried at providers: counted, lest somebody finds out here which of many are good."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class KeyTrial(models.Model):
    """One call to a provider by a key that `owner` gave; written by services.key_trials alone, which forgets them."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "llm_key_trials"
        indexes: ClassVar = [models.Index(fields=("owner", "at"), name="key_trial_by_owner")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.at}"
