"""Virtual keys in the admin: rotated, revoked by the dozen, shown with their relatives."""

import re

import pytest

from gateway.models import FormerSecret, VirtualKey
from gateway.services import keys
from opscenter.core.limits import Limits
from opscenter.core.models import User
from tests.admin.site import Site, World, text
from tests.gateway.tokens import by_bearer

pytestmark = pytest.mark.once

PAGE = "gateway_virtualkey"


def works(secret: str) -> bool:
    return bool(by_bearer(secret)("GET", "/api/v1/llm/credits").status_code != 401)


def test_a_key_is_rotated_and_the_new_one_shown_once(root: Site, world: World) -> None:
    asked = root.press(PAGE, world.virtual_key, "rotate").content.decode()
    assert 'name="grace_hours"' in asked
    assert 'value="24"' in asked

    shown = root.press(PAGE, world.virtual_key, "rotate", confirmed="yes", grace_hours="1.5").content.decode()

    (secret,) = re.findall(rf"sk-ops-{world.virtual_key.public_id}_[\w-]+", shown)
    assert secret != world.plaintext
    assert works(secret)
    assert works(world.plaintext)
    page = text(root.get(f"{PAGE}_change", world.virtual_key.pk))
    assert "Former secrets that still work" in page
    assert secret not in page + text(root.get(f"{PAGE}_issued", world.virtual_key.pk))


def test_a_leaked_key_is_rotated_without_a_grace_period(root: Site, world: World) -> None:
    root.press(PAGE, world.virtual_key, "rotate", confirmed="yes", grace_hours="0")

    assert not works(world.plaintext)
    assert not FormerSecret.objects.exists()


@pytest.mark.parametrize("hours", ["", "-1", "721", "nan", "soon"])
def test_an_odd_grace_period_is_asked_for_again(root: Site, world: World, hours: str) -> None:
    page = root.press(PAGE, world.virtual_key, "rotate", confirmed="yes", grace_hours=hours).content.decode()

    assert 'name="grace_hours"' in page
    assert VirtualKey.objects.get(pk=world.virtual_key.pk).rotated_at is None


def test_who_may_only_look_rotates_and_revokes_nothing(bob: Site, charlie_user: User, world: World) -> None:
    assert bob.press(PAGE, world.virtual_key, "rotate", confirmed="yes", grace_hours="0").status_code == 403
    bob.post(f"{PAGE}_changelist", data=chosen(world.virtual_key) | {"confirmed": "yes"})

    assert works(world.plaintext)


def test_a_key_is_shown_with_what_was_made_under_it_and_what_is_in_force(root: Site, world: World) -> None:
    parent = keys.issue(user=world.virtual_key.user, name="team", limits=Limits(rpm=7)).row
    child = keys.issue(user=parent.user, name="job", parent=parent).row

    above, below = root.get(f"{PAGE}_change", parent.pk), root.get(f"{PAGE}_change", child.pk)

    assert f"Made under this key Key Environment Component State {child}" in text(above)
    assert f"Made under {parent}" in text(below)
    assert "RPM no limit 7" in text(below)
    assert root.get(f"{PAGE}_changelist", parent_id__exact=parent.pk).context["cl"].result_count == 1  # type: ignore[attr-defined]
    assert f"{parent.masked} is revoked. So are 1 made under it." in text(
        root.press(PAGE, parent, "revoke", confirmed="yes")
    )


def chosen(*rows: VirtualKey) -> dict[str, object]:
    return {"action": "revoke_selected", "_selected_action": [row.pk for row in rows]}


def test_selected_keys_are_revoked_after_a_question(root: Site, world: World) -> None:
    user = world.virtual_key.user
    first, second, kept = (keys.issue(user=user, name=name).row for name in ("one", "two", "kept"))
    child = keys.issue(user=user, name="below", parent=first).row

    asked = root.post(f"{PAGE}_changelist", data=chosen(first, second))
    assert f"{first} of {user}" in text(asked)
    assert VirtualKey.objects.live().count() == 5
    root.post(f"{PAGE}_changelist", data=chosen(first, second) | {"confirmed": "yes"})

    assert {key.pk for key in VirtualKey.objects.live()} == {kept.pk, world.virtual_key.pk}
    assert VirtualKey.objects.get(pk=child.pk).state == "revoked"
    again = root.client.post(f"/admin/gateway/virtualkey/?q={first.public_id}", chosen(first), follow=True)
    assert "revoked already" in text(again)
