"""Sign-ins that ran out are forgotten after a while; virtual keys never are."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway import tasks
from gateway.models import VirtualKey
from gateway.services import keys
from opscenter.core.models import User


@pytest.mark.django_db
def test_only_access_tokens_that_ran_out_long_ago_are_deleted() -> None:
    alice = User.objects.create_user("alice")
    day = timedelta(days=1)
    now = timezone.now()
    kept = [
        keys.issue_access_token(user=alice),
        keys.issue(user=alice, name="ran out", expires_at=now - 30 * day),
        keys.issue(user=alice, name="fresh", kind=VirtualKey.Kind.ACCESS, expires_at=now - day),
    ]
    keys.issue(user=alice, name="old", kind=VirtualKey.Kind.ACCESS, expires_at=now - 8 * day)
    assert tasks.prune_access_tokens() == 1
    assert set(VirtualKey.objects.values_list("pk", flat=True)) == {key.row.pk for key in kept}
