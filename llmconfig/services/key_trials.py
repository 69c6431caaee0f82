"""How often somebody may have keys tried: each trial is a call from here, and says whether a key is good.

Counted in the database, so that several workers allow no more than one.
"""

import math
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from llmconfig.errors import TooManyTrials
from llmconfig.models import KeyTrial
from opscenter.core.models import User

MOST = 20
WINDOW = timedelta(minutes=10)


@transaction.atomic
def begin(owner: User) -> None:
    """Count one more, which may be made once this returns. Raises TooManyTrials."""
    # Trials of one owner wait for each other here, or those that come together would all find room.
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    now = timezone.now()
    made = KeyTrial.objects.filter(owner=owner)
    made.filter(at__lte=now - WINDOW).delete()
    latest = list(made.order_by("-at").values_list("at", flat=True)[:MOST])
    if len(latest) == MOST:
        wait_s = math.ceil((latest[-1] + WINDOW - now).total_seconds())
        raise TooManyTrials(most=MOST, window_s=int(WINDOW.total_seconds()), wait_s=max(1, wait_s))
    KeyTrial.objects.create(owner=owner, at=now)
