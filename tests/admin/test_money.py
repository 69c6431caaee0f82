"""What operators see and do about credits that are owed, expire, were bought, paid back or wait for a second person."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from credits.amounts import NANO, to_nano
from credits.models import Account, Lot, ManualAdjustment, Package, Purchase, Reversal, StripeEvent
from opscenter.core.models import AuditEntry
from tests.admin.site import Site, World, text
from tests.credits.ledger import claw_back, post

pytestmark = pytest.mark.once


def listed(page: Any) -> list[Any]:
    """The rows of a list."""
    return list(page.context["cl"].result_list)


def proposal() -> ManualAdjustment:
    return ManualAdjustment.objects.get(state="proposed")


def test_an_account_shows_its_lots_purchases_and_adjustments(root: Site, world: World) -> None:
    page = root.get("credits_account_change", world.wallet.pk)

    said = text(page)
    for fact in ("In lots 2", "Debt 0", "Of a test 1000 500 Paid, credits granted", "A large customer"):
        assert fact in said
    for name in ("lot", "purchase"):
        assert f"/admin/credits/{name}/?account__id__exact={world.wallet.pk}" in page.content.decode()
        assert root.get(f"credits_{name}_changelist", account__id__exact=world.wallet.pk).status_code == 200


def test_an_accounts_entries_are_listed_newest_first(root: Site, world: World) -> None:
    page = root.get("credits_entry_changelist", account__id__exact=world.wallet.pk)

    versions = [entry.version for entry in listed(page)]
    assert versions == sorted(versions, reverse=True)
    assert len(versions) == world.wallet.entries.count()


def test_who_owes_credits_is_found(root: Site, world: World) -> None:
    assert world.wallet.code not in root.get("credits_account_changelist", debt="yes").content.decode()
    Account.objects.filter(pk=world.wallet.pk).update(debt=NANO, posted=0, expiring=0, next_expiry_at=None)

    assert f"{world.wallet.code} " in text(root.get("credits_account_changelist", debt="yes"))


def test_debts_are_no_noise_among_accounts_and_found_where_asked_for(root: Site, world: World) -> None:
    def codes(**query: str) -> set[str]:
        return {account.code for account in listed(root.get("credits_account_changelist", **query))}

    debt = f"debt:{world.wallet.user_id}"
    assert {world.wallet.code, "revenue"} <= codes()
    assert "revenue" in codes(kind="system") and world.wallet.code in codes(kind="wallet")
    assert not any(code.startswith("debt:") for code in codes() | codes(kind="system") | codes(kind="wallet"))
    assert debt in codes(kind="debt") & codes(q=debt)
    assert {code.partition(":")[0] for code in codes(kind="debt")} == {"debt"}


def test_an_account_shows_what_paid_its_debt(root: Site, world: World) -> None:
    assert "debts and what paid" not in text(root.get("credits_account_change", world.wallet.pk))
    claw_back(world.wallet, world.wallet.available + 30 * NANO)
    post(world.wallet, 10 * NANO, reason="A payment")

    page = text(root.get("credits_account_change", world.wallet.pk))
    assert "Grant Paid 10 A payment" in page and "Grant Owed 30" in page


def test_a_lot_shows_what_became_of_it(root: Site, world: World) -> None:
    page = text(root.get("credits_lot_change", Lot.objects.get().pk))

    assert "Granted 5 Left 2 State open" in page
    assert str(Lot.objects.get().pk) in text(root.get("credits_lot_changelist", open="yes"))


def test_a_purchase_shows_what_went_back_and_what_waits_for_it(root: Site, world: World) -> None:
    page = text(root.get("credits_purchase_change", Purchase.objects.get().pk))

    for fact in ("Credits 1000 Taken back 500", "refund 50 usd", "evt_of_a_test charge.refunded"):
        assert fact.lower() in page.lower()
    for found, query in (("purchase", "pi_of_a_test"), ("reversal", "re_of_a_test"), ("stripeevent", "evt_of_a_test")):
        assert len(listed(root.get(f"credits_{found}_changelist", q=query))) == 1
        assert listed(root.get(f"credits_{found}_changelist", q="other")) == []


def test_an_event_is_shown_as_it_was_kept_and_not_as_markup(root: Site, world: World) -> None:
    page = root.get("credits_stripeevent_change", "evt_of_a_test").content.decode()

    assert "ch_&lt;b&gt;" in page
    assert "ch_<b>" not in page
    assert f"/admin/credits/purchase/{Purchase.objects.get().pk}/change/" in page


def test_without_purchases_nothing_is_paid_back_tried_or_compared(root: Site, world: World, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    refund = {"confirmed": "yes", "reason": "Sorry", "token": "0195a000-0000-7000-8000-000000000002"}
    pages = (
        root.press("credits_purchase", Purchase.objects.get(), "refund", **refund),
        root.press("credits_stripeevent", StripeEvent.objects.get(), "retry"),
        root.client.post("/admin/credits/stripereconciliation/do/compare/", follow=True),
    )

    assert ["no payment provider is set up" in text(page) for page in pages] == [True] * 3
    assert Reversal.objects.count() == 1
    assert StripeEvent.objects.get().state == "waiting"


def test_an_event_of_another_installation_is_dismissed_after_a_question(root: Site, world: World) -> None:
    event = StripeEvent.objects.get()

    assert "is to wait no longer?" in text(root.press("credits_stripeevent", event, "dismiss"))
    assert "Of no concern" in text(root.press("credits_stripeevent", event, "dismiss", confirmed="yes"))
    assert root.press("credits_stripeevent", event, "dismiss", confirmed="yes").status_code == 404


def test_a_packages_slug_stays_by_which_payments_under_way_name_it(root: Site, world: World) -> None:
    package = Purchase.objects.get().package
    pages: list[Any] = [root.get("credits_package_change", package.pk), root.get("credits_package_add")]

    assert ["slug" in page.context["adminform"].form.fields for page in pages] == [False, True]


@pytest.mark.parametrize(
    ("currency", "price"), [("usd", "4.50 USD"), ("jpy", "450 JPY"), ("kwd", "0.450 KWD")], ids=str
)
def test_a_price_is_shown_in_its_currencys_own_unit(root: Site, world: World, currency: str, price: str) -> None:
    Package.objects.create(slug="other", name="Other", credits_nano=NANO, price_minor=450, currency=currency)

    assert f" {price} " in text(root.get("credits_package_changelist"))


@pytest.mark.parametrize(
    ("page", "button"),
    [
        ("purchase", "refund"),
        ("stripeevent", "retry"),
        ("manualadjustment", "approve"),
        ("manualadjustment", "decline"),
    ],
)
def test_who_may_not_move_credits_presses_nothing_that_does(alice: Site, world: World, page: str, button: str) -> None:
    rows = {"purchase": Purchase, "stripeevent": StripeEvent, "manualadjustment": ManualAdjustment}
    row = rows[page]._default_manager.get()

    assert alice.get(f"credits_{page}_change", row.pk).status_code == 200
    assert alice.press(f"credits_{page}", row, button, confirmed="yes").status_code == 403


def test_what_a_debt_takes_is_said_before_and_after(root: Site, world: World) -> None:
    claw_back(world.wallet, world.wallet.available + 30 * NANO)
    wanted = {"amount": "40", "reason": "Sorry", "token": "0195a000-0000-7000-8000-000000000002"}

    asked = root.press("credits_account", world.wallet, "adjust", confirmed="filled", **wanted)
    assert "Debt 30 -30 0" in text(asked)
    assert "+40" not in text(asked)
    done = root.press("credits_account", world.wallet, "adjust", confirmed="yes", **{**wanted, "amount": "10"})
    assert "and the debt 20 now" in text(done)


def test_what_is_beyond_the_limit_is_proposed_and_said_before(root: Site, world: World, settings: Settings) -> None:
    settings.CREDITS_APPROVAL_LIMIT = "100"
    wanted = {"amount": "101", "reason": "Large", "token": "0195a000-0000-7000-8000-000000000001"}

    asked = root.press("credits_account", world.wallet, "adjust", confirmed="filled", **wanted)
    done = root.press("credits_account", world.wallet, "adjust", confirmed="yes", **wanted)

    assert "a second operator has to approve it" in text(asked)
    assert "waits under Adjustments" in text(done)
    assert Account.objects.get(pk=world.wallet.pk).posted == world.wallet.posted
    again = root.press("credits_account", world.wallet, "adjust", confirmed="filled", **wanted)
    assert "was proposed already" in text(again)
    assert ManualAdjustment.objects.filter(reason="Large").count() == 1


def test_what_somebody_else_proposed_is_approved(root: Site, world: World) -> None:
    row = proposal()
    asked = root.press("credits_manualadjustment", row, "approve")
    assert "The credits move as soon as this is confirmed" in text(asked)
    assert Account.objects.get(pk=world.wallet.pk).posted == world.wallet.posted

    page = root.press("credits_manualadjustment", row, "approve", confirmed="yes")

    assert "Approved: the balance is 2000999.3 now." in text(page)
    assert Account.objects.get(pk=world.wallet.pk).posted == world.wallet.posted + to_nano("2000000")
    assert AuditEntry.objects.get(action="approve").entity_id == str(row.pk)
    assert "/do/approve/" not in page.content.decode()
    assert root.press("credits_manualadjustment", row, "approve", confirmed="yes").status_code == 404


def test_what_somebody_else_proposed_is_declined(root: Site, world: World) -> None:
    page = root.press("credits_manualadjustment", proposal(), "decline", confirmed="yes", remark="Ask first")

    assert "Declined: nothing was moved." in text(page)
    assert ManualAdjustment.objects.get(remark="Ask first").state == "declined"
    assert listed(root.get("credits_manualadjustment_changelist", waiting="yes")) == []


def test_nobody_approves_what_they_proposed(root: Site, root_user: object, world: World) -> None:
    ManualAdjustment.objects.update(proposed_by=root_user)

    page = root.press("credits_manualadjustment", proposal(), "approve", confirmed="yes")

    assert "You proposed this" in text(page)
    assert proposal().decided_by is None


def test_a_version_of_a_rate_says_what_it_was(root: Site, world: World) -> None:
    page = root.get("credits_rateversion_changelist", slug="starter")

    assert "starter" in text(page)
    (row,) = listed(page)
    assert "markup 0.4" in text(root.get("credits_rateversion_change", row.pk))


def test_an_account_is_found_by_how_its_code_or_its_users_name_begins(root: Site, world: World) -> None:
    def found(term: str) -> list[str]:
        return [row.code for row in listed(root.get("credits_account_changelist", q=term))]

    assert found("charl") == found(world.wallet.code) == [world.wallet.code]
    assert world.wallet.code in found("wallet:") and "revenue" not in found("wallet:")
    assert found("harlie") == found("allet") == []
