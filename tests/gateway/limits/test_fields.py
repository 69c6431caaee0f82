"""Where operators set limits: forms, REST and the command; audited, announced and known to the gateway."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, models, transaction

from credits.models import Tier
from credits.snapshot import load as load_rates
from gateway.models import VirtualKey
from llmconfig.models import Deployment
from llmconfig.snapshot import load as load_catalog
from opscenter.core.limits import NO_LIMITS, Limits
from opscenter.core.models import User
from tests.admin.site import Site, last_entry, version
from tests.gateway.people import caller_by, key_of, person
from tests.llmconfig.api import Api, on_server

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LIMITED: dict[str, Any] = {"rpm": 30, "tpm": 14_400, "concurrency": 4}


@pytest.fixture
def root() -> Site:
    return Site(User.objects.create_superuser("root"))


@pytest.fixture
def deployment(alice: Api) -> Deployment:
    alice.model(on_server(alice.server()), input_price="2")
    return Deployment.objects.get()


ROWS: dict[str, tuple[str, Callable[[], models.Model]]] = {
    "key": ("gateway_virtualkey", VirtualKey.objects.get),
    "user": ("core_user", lambda: User.objects.get(username="bob")),
    "tier": ("credits_tier", lambda: Tier.objects.get(slug="free")),
    "deployment": ("llm_deployment", Deployment.objects.get),
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.usefixtures("deployment")
def test_a_form_sets_limits_audited_and_announced(root: Site, kind: str) -> None:
    key_of(person("bob", "LLM user"))
    page, find = ROWS[kind]
    row, before = find(), version()
    data = root.form(f"{page}_change", row.pk) | {name: str(limit) for name, limit in LIMITED.items()}

    assert root.post(f"{page}_change", row.pk, data=data).status_code == 302

    assert {name: getattr(find(), name) for name in LIMITED} == LIMITED
    assert LIMITED.items() <= last_entry().changes["after"].items()
    assert version() > before


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.usefixtures("deployment")
def test_neither_a_form_nor_the_database_takes_a_limit_of_nothing(root: Site, kind: str) -> None:
    key_of(person("bob", "LLM user"))
    page, find = ROWS[kind]
    data = root.form(f"{page}_change", find().pk) | {"concurrency": "0"}

    assert root.post(f"{page}_change", find().pk, data=data).status_code == 200
    with pytest.raises(IntegrityError), transaction.atomic():
        type(find())._default_manager.filter(pk=find().pk).update(rpm=0)


def test_a_deployments_limits_are_set_over_rest(alice: Api) -> None:
    model = alice.model(on_server(alice.server(), **LIMITED), input_price="2")
    (made,) = model["deployments"]
    assert {name: made[name] for name in LIMITED} == LIMITED
    changed = alice.patch(f"deployments/{made['id']}", {"concurrency": None})
    assert (changed.body["concurrency"], changed.body["rpm"]) == (None, 30)
    assert alice.patch(f"deployments/{made['id']}", {"concurrency": 0}).status == 422


def test_a_new_key_has_the_limits_it_is_given_in_the_admin(root: Site) -> None:
    bob = person("bob")
    data: dict[str, Any] = root.form("gateway_virtualkey_add") | {"user": bob.pk, "name": "limited", "rpm": "7"}

    assert root.post("gateway_virtualkey_add", data=data).status_code == 302

    assert VirtualKey.objects.get(name="limited").limits == Limits(rpm=7)


def test_a_new_key_has_the_limits_it_is_given_on_the_command_line() -> None:
    options = [text for name, limit in LIMITED.items() for text in (f"--{name}", str(limit))]
    call_command("create_virtual_key", "--user", "bob", *options)
    call_command("create_virtual_key", "--user", "bob", "--name", "free")

    assert VirtualKey.objects.get(name="").limits == Limits(**LIMITED)
    assert VirtualKey.objects.get(name="free").limits == NO_LIMITS
    for nonsense in ("0", "-1", "many", "1.5"):
        with pytest.raises(CommandError, match="above 0"):
            call_command("create_virtual_key", "--user", "bob", "--rpm", nonsense)


def test_the_gateway_knows_every_limit(deployment: Deployment) -> None:
    bob = person("bob", "LLM user", rpm=5, concurrency=2)
    Tier.objects.filter(slug="free").update(rpm=9, tpm=900)
    Deployment.objects.update(tpm=77)

    known = caller_by(key_of(bob, limits=Limits(tpm=100)))
    tier = load_rates().tiers["free"].limits
    (target,) = load_catalog().models["m1"].targets

    assert known.limits == Limits(tpm=100)
    assert known.user_limits == Limits(rpm=5, concurrency=2)
    assert known.user_limits.or_else(tier) == Limits(rpm=5, tpm=900, concurrency=2)
    assert target.limits == Limits(tpm=77)
    assert load_rates().tiers["starter"].limits == NO_LIMITS
