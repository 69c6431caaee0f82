"""Webhooks shuffled, repeated, eight at a time, with forged and stale ones among them: the oracle's balances."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from secrets import token_hex
from typing import Any
from uuid import uuid4

import pytest
import stripe
from django.test import Client

from credits import checker
from credits.amounts import NANO
from credits.ledger import book
from credits.ledger.moves import Post
from credits.models import Account, Journal, StripeEvent
from credits.services import wallets
from credits.stripe import events
from opscenter.core import audit_check
from opscenter.core.models import User
from tests.credits import naive
from tests.credits.ledger import capture, held, in_threads
from tests.proofs.figures import Figures
from tests.proofs.sold import Event, Sold, lie
from tests.stripe.shop import send
from tests.stripe_stub import signature, signed

pytestmark = pytest.mark.django_db(transaction=True)
TITLE = "Stripe's webhooks in any order, any number of times, and false ones among them"
AT_A_TIME = 8
BUYERS = 12


@dataclass(frozen=True, slots=True)
class Delivery:
    """`what` is wrong with it; "" for nothing."""

    what: str
    event: Event


@pytest.fixture
def secret(settings: Any) -> str:
    settings.STRIPE_SECRET_KEY = f"sk_test_{token_hex(24)}"
    settings.STRIPE_WEBHOOK_SECRET = f"whsec_{token_hex(24)}"
    settings.STRIPE_LIVEMODE = False
    return str(settings.STRIPE_WEBHOOK_SECRET)


def posted(delivery: Delivery, secret: str) -> tuple[bytes, str | None]:
    body, header = signed(delivery.event, secret)
    match delivery.what:
        case "another secret":
            return body, signature(body, f"whsec_{token_hex(24)}")
        case "changed after it was signed":
            return body.replace(b"evt_lie_", b"evt_lie-"), header
        case "not signed":
            return body, None
        case "too old":
            return body, signature(body, secret, at=time.time() - 400)
        case "in the future":
            return body, signature(body, secret, at=time.time() + 400)
    return body, header


def delivered(deliveries: Sequence[Delivery], secret: str) -> Counter[tuple[str, str]]:
    """What was answered, by what was wrong; what the database was too busy for is sent again, as Stripe does."""
    waiting, lock = list(deliveries), threading.Lock()
    answered: Counter[tuple[str, str]] = Counter()

    def work() -> None:
        client = Client()
        while True:
            with lock:
                if not waiting:
                    return
                delivery = waiting.pop()
            response = send(*posted(delivery, secret), client)
            state = response.json()["state"] if response.status_code == 200 else str(response.status_code)
            with lock:
                answered[delivery.what, state] += 1
                if response.status_code == 503:
                    waiting.append(delivery)

    in_threads([work] * AT_A_TIME)
    return answered


def shuffled(truths: list[Event], times: int, lies: list[Delivery], chance: Random) -> list[Delivery]:
    """Each of `truths` at least once, `times` in all."""
    told = [Delivery("", event) for event in truths + chance.choices(truths, k=max(0, times - len(truths)))]
    mixed = told + lies
    chance.shuffle(mixed)
    return mixed


def spend(buyers: list[Account], chance: Random) -> dict[int, int]:
    """Some of what each has, all of what some have."""
    spent = {}
    for buyer in buyers:
        buyer.refresh_from_db()
        amount = chance.choice((buyer.available, chance.randint(0, buyer.available)))
        spent[buyer.pk] = amount if amount and not buyer.debt else 0
        if spent[buyer.pk]:
            capture(held(buyer, amount), amount)
    return spent


def finish() -> None:
    """What waited for news that came later: the worker's part, without asking Stripe."""
    while waiting := list(StripeEvent.objects.filter(state="waiting").values_list("pk", flat=True)):
        applied = sum(events.attempt(id).state == "applied" for id in waiting)
        if not applied:
            return


@pytest.mark.proof(7, TITLE)
def test_balances_are_the_oracles_and_nothing_forged_is_accepted(secret: str, figures: Figures) -> None:
    chance = figures.chance
    truths, lies = figures.times(reduced=320, whole=8_000), figures.times(reduced=80, whole=2_000)
    buyers = [wallets.wallet_of(User.objects.create_user(f"buyer{n}")) for n in range(BUYERS)]
    before = {buyer.pk: Account.objects.get(pk=buyer.pk).posted for buyer in buyers}
    sold = Sold.story(buyers, figures.times(reduced=30, whole=900), chance)
    false = [Delivery(*lie(sold, chance)) for _ in range(lies)]

    first = shuffled(sold.early, truths // 2, false[::2], chance)
    second = shuffled(sold.late + sold.early[::5], truths - truths // 2, false[1::2], chance)
    answered = delivered(first, secret)
    spent = spend(buyers, chance)
    answered += delivered(second, secret)
    finish()

    _nothing_false_was_accepted(answered, false)
    everything = {event["id"] for event in sold.early + sold.late}
    assert set(StripeEvent.objects.filter(state="applied").values_list("pk", flat=True)) == everything
    owing = _balances_are_the_oracles(sold, buyers, before, spent)
    assert checker.check() == []
    assert audit_check.check().problems == []
    paid = sum(sold.nano_due(purchase)[0] > 0 for purchase in sold.purchases)
    assert Journal.objects.filter(kind="purchase").count() == paid

    figures.saw(f"deliveries, {AT_A_TIME} at a time, in any order", len(first) + len(second))
    figures.saw("of them true ones, and events that they repeat", f"{truths:,} and {len(everything):,}")
    figures.saw("of them forged, stale, of the future or contradicting", len(false))
    figures.saw("answers to those", _told(answered))
    figures.saw("false ones that moved a credit", 0)
    figures.saw("purchases, and those paid, each granted once", f"{len(sold.purchases):,} and {paid:,}")
    figures.saw("refunds and disputes", f"{len(sold.stripe.refunds):,} and {len(sold.stripe.disputes):,}")
    figures.saw("wallets with the oracle's balance and debt", f"{len(buyers)} of {len(buyers)}, {owing} owing")
    figures.saw(
        "sent again because the database was busy", sum(n for (_, state), n in answered.items() if state == "503")
    )
    figures.saw("problems that check_ledger found", 0)


def _nothing_false_was_accepted(answered: Counter[tuple[str, str]], false: list[Delivery]) -> None:
    accepted = {key: n for key, n in answered.items() if key[0] and key[1] not in ("400", "refused", "waiting", "503")}
    assert not accepted
    ids = [delivery.event["id"] for delivery in false]
    assert not StripeEvent.objects.filter(pk__in=ids, state="applied").exists()
    assert not StripeEvent.objects.filter(pk__startswith="evt_lie-").exists()


def _balances_are_the_oracles(sold: Sold, buyers: list[Account], before: dict[int, int], spent: dict[int, int]) -> int:
    net = {buyer.pk: before[buyer.pk] - spent[buyer.pk] for buyer in buyers}
    for purchase in sold.purchases:
        granted, taken = sold.nano_due(purchase)
        net[purchase.account_id] += granted - taken
        purchase.refresh_from_db()
        assert (purchase.state == "paid", purchase.clawed_nano) == (granted > 0, taken), purchase.pk
    stored = {buyer.pk: Account.objects.get(pk=buyer.pk) for buyer in buyers}
    assert {id: (one.posted, one.debt) for id, one in stored.items()} == {
        id: (max(0, amount), max(0, -amount)) for id, amount in net.items()
    }
    return sum(amount < 0 for amount in net.values())


def _told(answered: Counter[tuple[str, str]]) -> str:
    by_state: Counter[str] = Counter()
    for (what, state), n in answered.items():
        if what and state != "503":
            by_state[state] += n
    return ", ".join(f"{state} {n:,}" for state, n in sorted(by_state.items()))


# --- without the guards ---


@pytest.fixture
def naive_events() -> Iterator[None]:
    """Events as others keep them: looked up first, and nothing unique about them."""
    with naive.table("id VARCHAR(80)"):
        yield


def look_then_grant(account_id: int, meet: threading.Barrier) -> bool:
    is_new = naive.read("COUNT(*)") == (0,)
    meet.wait()
    if is_new:
        naive.run("INSERT INTO naive VALUES ('evt_1')")
        book.apply([Post(account_id, "purchases", 10 * NANO, "manual", f"manual:{uuid4()}", "naive", "")])
    return is_new


@pytest.mark.proof(7, TITLE)
def test_looking_first_grants_once_for_each_that_looks(naive_events: None, alice: Account, figures: Figures) -> None:
    alice.refresh_from_db()
    before, meet = alice.posted, threading.Barrier(4)
    granted = in_threads([partial(look_then_grant, alice.pk, meet)] * 4)
    alice.refresh_from_db()
    assert (sum(granted), alice.posted - before) == (4, 40 * NANO)
    figures.saw_without_the_guard("grants for one event, delivered by 4 at once to who looks first", sum(granted))


@pytest.mark.proof(7, TITLE)
def test_the_sdk_alone_takes_what_is_signed_for_the_future(secret: str, figures: Figures) -> None:
    body = json.dumps({"object": "event"}).encode()
    ahead = [300 + 10**n for n in range(9)]
    taken = [_sdk_takes(body, signature(body, secret, at=time.time() + s), secret) for s in ahead]
    assert sum(taken) == len(ahead)
    refused = [send(body, signature(body, secret, at=time.time() + s)).status_code for s in ahead]
    assert refused == [400] * len(ahead)
    figures.saw_without_the_guard(f"of {len(ahead)} from the future, taken by the SDK's own check", sum(taken))


def _sdk_takes(body: bytes, header: str, secret: str) -> bool:
    return bool(stripe.WebhookSignature.verify_header(body, header, secret, tolerance=300))
