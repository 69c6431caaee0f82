"""How providers are, for who looks at the admin: the front page, the list, the pages of one."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest
from django.utils import timezone

from llmconfig.health import recording, schedule
from llmconfig.models import ProviderHealth, ProviderKey
from llmconfig.services import platform_keys
from llmconfig.services.probe import Probe
from opscenter.core.admin_base import Panel, front_page, on_front_page
from opscenter.core.models import Alert, User
from tests.admin.site import Site, World, text

pytestmark = pytest.mark.once

DOWN = Probe("unhealthy", message="It answered 500.")


def fell(provider: Any) -> ProviderHealth:
    recording.record_test(provider, DOWN)
    return ProviderHealth.objects.of(provider).get()


def test_the_front_page_shows_who_is_not_well(root: Site, world: World) -> None:
    fell(world.server)
    fell(world.key)

    said = text(root.get("index"))

    assert "Healthy 0 of 2" in said
    assert "Unhealthy 2" in said
    assert "Providers that aren't healthy" in said
    assert "gpu AI server Unhealthy" in said
    assert "openai: main Provider key Unhealthy" in said
    assert "It answered 500. 50 %" in said


def test_what_is_well_or_disabled_is_not_among_them(root: Site, world: World) -> None:
    fell(world.key)
    ProviderKey.objects.update(enabled=False)

    said = text(root.get("index"))

    assert "Healthy 1 of 1" in said
    assert "Providers that aren't healthy" not in said


def test_consumers_own_keys_are_none_of_the_front_pages(root: Site, world: World) -> None:
    fell(world.key)
    ProviderKey.objects.update(owner=User.objects.create_user("dora"))

    said = text(root.get("index"))

    assert "Healthy 1 of 1" in said
    assert "Providers that aren't healthy" not in said


def test_alerts_that_nobody_got_show_on_the_front_page(root: Site, world: World, settings: Any) -> None:
    settings.ALERT_EMAILS = ["ops@example.org"]
    fell(world.server)
    assert "Alerts 1 waiting" in text(root.get("index"))

    Alert.objects.filter(sent_at=None).update(due_at=None, attempts=10, error="The mail server did not take it.")

    assert "Alerts 0 waiting, 1 given up" in text(root.get("index"))
    page = text(root.get("llm_healthchange_change", Alert.objects.get(type="provider.health_changed").about))
    assert "E-mail given up after 10 attempts: The mail server did not take it." in page


def test_the_front_page_tells_long_intervals_from_a_worker_that_is_gone(root: Site, world: World) -> None:
    hour, now = timedelta(hours=1), timezone.now()
    ProviderHealth.objects.update(checked_at=now - 5 * hour, due_at=now + hour)
    assert "Last check 5 h ago ok" in text(root.get("index"))

    ProviderHealth.objects.update(due_at=now - hour)

    assert "Last check 5 h ago act" in text(root.get("index"))


def test_any_app_can_put_panels_there(root: Site, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_page, "_registered", dict(front_page._registered))
    fell(world.server)

    @on_front_page(order=20)
    def later(request: HttpRequest) -> Iterable[Panel]:
        yield Panel("Gone astray", ("What", "Where"), [("m1", "the proxy")])

    @on_front_page(order=5)
    def earlier(request: HttpRequest) -> Iterable[Panel]:
        yield Panel(f"For {request.user}", ("What",), [("x",)])

    said = text(root.get("index"))

    in_order = ("For root", "Providers that aren't healthy", "Gone astray What Where m1 the proxy")
    assert sorted(in_order, key=said.index) == list(in_order)


def test_a_providers_page_tells_its_uptime_and_what_changed(root: Site, world: World) -> None:
    health = fell(world.server)
    for page in (root.get("llm_aiserver_change", world.server.pk), root.get("llm_providerhealth_change", health.pk)):
        said = text(page)

        assert "Last 24 hours 50 % 2 1 7 7" in said
        assert "Last 90 days 50 % 2 1 7 7" in said
        assert "Healthy → Unhealthy It answered 500. nobody was told" in said
        assert "Newest checks" in said


def test_the_lists_show_states_and_uptime(root: Site, world: World) -> None:
    fell(world.server)

    assert "gpu AI server Unhealthy" in text(root.get("llm_providerhealth_changelist"))
    assert " 50 % It answered 500." in text(root.get("llm_providerhealth_changelist"))
    assert "Unhealthy" in text(root.get("llm_aiserver_changelist"))
    assert "Unknown" in text(root.get("llm_providerkey_changelist"))


def test_a_key_that_is_not_stored_yet_reads_so_and_nobody_is_asked(root: Site, world: World) -> None:
    empty = platform_keys.reserve("groq")
    schedule.enrol()
    health = ProviderHealth.objects.of(empty).get()

    assert "groq: Default Groq Key Provider key No key yet" in text(root.get("llm_providerhealth_changelist"))
    assert "No key yet" in text(root.get("llm_providerkey_changelist"))
    assert "Healthy 1 of 2" in text(root.get("index"))
    assert "has no API key yet" in text(root.press("llm_providerhealth", health, "check-now"))


def test_a_button_has_one_checked_at_once(root: Site, bob: Site, world: World) -> None:
    health = ProviderHealth.objects.of(world.server).get()
    ProviderHealth.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert not ProviderHealth.objects.due().exists()

    assert bob.press("llm_providerhealth", health, "check-now").status_code == 403
    assert "checks it within seconds" in text(root.press("llm_providerhealth", health, "check-now"))

    assert list(ProviderHealth.objects.due()) == [health]
