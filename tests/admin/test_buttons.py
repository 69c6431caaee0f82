"""What changes or calls something is a POST with a CSRF token."""

import re
from uuid import uuid4

import pytest

from credits.amounts import to_nano
from credits.models import Account
from gateway.models import VirtualKey
from llmconfig.models import ActiveProvider, AIServer
from opscenter.core.models import AuditEntry, TaskRun, User
from tests.admin.site import SERVER_SECRET, Site, World, address, last_entry, make_world, text, version
from tests.upstream import Upstream

pytestmark = pytest.mark.once

BUTTONS = [
    ("llm_aiserver", "server", "test"),
    ("llm_aiserver", "server", "set-active-for-chat"),
    ("llm_aiserver", "server", "set-active"),
    ("llm_providerkey", "key", "test"),
    ("llm_providerkey", "key", "set-active"),
    ("llm_providerkey", "key", "rotate"),
    ("credits_account", "wallet", "adjust"),
    ("gateway_virtualkey", "virtual_key", "revoke"),
]


def test_no_button_is_a_link(root: Site, root_user: User, world: World) -> None:
    targets = [address(f"{page}_button", getattr(world, row).pk, name) for page, row, name in BUTTONS]
    unprotected, before = Site(root_user, checks_csrf=True).client, AuditEntry.objects.count()

    assert [root.client.get(target).status_code for target in targets] == [405] * len(targets)
    sent = [unprotected.post(target, {"confirmed": "yes"}).status_code for target in targets]
    assert sent == [403] * len(targets)
    assert AuditEntry.objects.count() == before


def test_an_unknown_button_is_not_found(root: Site, world: World) -> None:
    assert root.press("llm_aiserver", world.server, "explode").status_code == 404


def test_a_connection_test_says_what_it_found(root: Site, charlie_user: User, upstream: Upstream) -> None:
    world = make_world(charlie_user, base_url=upstream.origin)

    page = root.press("llm_aiserver", world.server, "test")

    world.server.refresh_from_db()
    assert world.server.health_status in ("healthy", "degraded")
    assert world.server.get_health_status_display() in text(page)
    assert SERVER_SECRET not in page.content.decode()


def test_a_connection_test_says_that_nothing_listens(root: Site, world: World) -> None:
    assert "Unhealthy: The connection was refused" in text(root.press("llm_aiserver", world.server, "test"))


def test_a_server_becomes_active_for_chat(root: Site, world: World) -> None:
    other = AIServer.objects.create(name="other", server_type="vllm", base_url="http://127.0.0.1:7", model_path="y")
    before = version()

    page = root.press("llm_aiserver", other, "set-active-for-chat")

    chosen = ActiveProvider.objects.get(purpose="chat")
    assert (chosen.primary, chosen.fallback, chosen.default_model) == (other, world.key, "")
    assert "other is the primary for chat now." in text(page)
    assert (last_entry().action, version()) == ("set_active", before + 1)


def test_a_model_beside_the_catalog_is_made_active_with_a_warning(root: Site, world: World) -> None:
    other = AIServer.objects.create(name="other", server_type="vllm", base_url="http://127.0.0.1:7", model_path="y")

    page = root.press("llm_aiserver", other, "set-active-for-chat")

    assert "without a price: y. Calls for it are free." in text(page)


def test_a_provider_becomes_the_fallback(root: Site, world: World) -> None:
    other = AIServer.objects.create(name="other", server_type="vllm", base_url="http://127.0.0.1:7")
    wanted = {"confirmed": "yes", "purpose": "chat", "slot": "fallback", "model": "y"}

    root.press("llm_aiserver", other, "set-active", **wanted)

    chosen = ActiveProvider.objects.get(purpose="chat")
    assert (chosen.primary, chosen.fallback, chosen.fallback_model) == (world.server, other, "y")


def test_what_can_not_answer_is_not_made_active(root: Site, world: World) -> None:
    wanted = {"confirmed": "yes", "purpose": "chat", "slot": "primary", "model": "unpriced"}

    page = root.press("llm_providerkey", world.key, "set-active", **wanted)

    assert "add it to the catalog first" in text(page)
    assert ActiveProvider.objects.get(purpose="chat").primary == world.server


def test_a_key_is_revoked_after_a_question(root: Site, world: World) -> None:
    asked = root.press("gateway_virtualkey", world.virtual_key, "revoke")
    assert "can't be brought back" in text(asked)
    assert VirtualKey.objects.get(pk=world.virtual_key.pk).revoked_at is None
    before = version()

    page = root.press("gateway_virtualkey", world.virtual_key, "revoke", confirmed="yes")

    assert VirtualKey.objects.get(pk=world.virtual_key.pk).state == "revoked"
    assert "is revoked." in text(page)
    assert (last_entry().action, version()) == ("revoke", before + 1)
    assert "/do/revoke/" not in page.content.decode()


def form(amount: str) -> dict[str, str]:
    return {"confirmed": "yes", "amount": amount, "reason": "Sorry", "token": str(uuid4())}


def test_credits_are_adjusted_with_a_reason(root: Site, world: World) -> None:
    page = root.press(
        "credits_account", world.wallet, "adjust", confirmed="yes", amount="0.7", reason="Sorry", token=uuid4()
    )

    assert "the balance is 1000 now" in text(page)
    assert last_entry().changes["after"]["reason"] == "Sorry"


def test_an_adjustment_sent_twice_moves_credits_once(root: Site, world: World) -> None:
    wanted = {"confirmed": "yes", "amount": "5", "reason": "Sorry", "token": str(uuid4())}

    for _ in range(2):
        root.press("credits_account", world.wallet, "adjust", **wanted)
    other = root.press("credits_account", world.wallet, "adjust", **{**wanted, "amount": "7"})

    assert Account.objects.get(pk=world.wallet.pk).posted == world.wallet.posted + to_nano("5")
    assert "nothing was moved" in text(other)
    assert AuditEntry.objects.filter(action="manual", changes__after__key=f"manual:{wanted['token']}").count() == 1


def hidden(page: str) -> dict[str, str]:
    """What a page's hidden fields would send."""
    tags = re.findall(r'<input type="hidden"[^>]*>', page)
    return {re.findall(r'name="([^"]*)"', tag)[0]: re.findall(r'value="([^"]*)"', tag)[0] for tag in tags}


def test_an_adjustment_shows_before_and_after_and_moves_nothing_until_confirmed(root: Site, world: World) -> None:
    asked = root.press("credits_account", world.wallet, "adjust").content.decode()
    filled = {**hidden(asked), "amount": "-0.30", "reason": "Sorry <b>"}

    shown = root.press("credits_account", world.wallet, "adjust", **filled)

    assert "Balance 999.3 -0.3 999 Available 999.3 -0.3 999" in text(shown)
    assert "Sorry <b>" in text(shown)
    assert Account.objects.get(pk=world.wallet.pk).posted == world.wallet.posted
    done = root.press("credits_account", world.wallet, "adjust", **hidden(shown.content.decode()))
    assert "Adjusted by -0.3: the balance is 999 now" in text(done)
    again = root.press("credits_account", world.wallet, "adjust", **{**filled, "confirmed": "filled"})
    assert "was made already" in text(again)
    assert Account.objects.get(pk=world.wallet.pk).posted == to_nano("999")


@pytest.mark.parametrize(
    ("amount", "complaint"), [("0", "has an amount and a reason"), ("-1000", "Only 999.3 credits")]
)
def test_what_would_be_refused_is_said_before_it_is_confirmed(
    root: Site, world: World, amount: str, complaint: str
) -> None:
    page = root.press("credits_account", world.wallet, "adjust", **{**form(amount), "confirmed": "filled"})

    assert complaint in text(page)
    assert hidden(page.content.decode())["confirmed"] == "filled"


def test_the_adjustments_form_brings_its_token(root: Site, world: World) -> None:
    assert 'name="token"' in root.press("credits_account", world.wallet, "adjust").content.decode()


@pytest.mark.parametrize(
    ("amount", "complaint"),
    [("lots", "is no amount of credits"), ("0", "has an amount and a reason"), ("-2000", "Only 999.3 credits")],
)
def test_an_impossible_adjustment_is_explained(root: Site, world: World, amount: str, complaint: str) -> None:
    page = root.press(
        "credits_account", world.wallet, "adjust", confirmed="yes", amount=amount, reason="Why not", token=uuid4()
    )

    assert complaint in text(page)
    assert Account.objects.get(pk=world.wallet.pk).posted == world.wallet.posted


def test_the_ledger_is_checked_by_the_worker_on_demand(root: Site, world: World, eager_tasks: None) -> None:
    target = address("credits_ledgercheck_list_button", "check-ledger")

    assert root.client.get(target).status_code == 405
    page = text(root.client.post(target, follow=True))
    assert "No worker has been seen lately" in page
    assert "0 problems" in page
    assert "credits.tasks.check_ledger" in TaskRun.objects.values_list("task", flat=True)
