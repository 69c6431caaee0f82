"""Every charge follows from what is stored with its call, by an arithmetic that has nothing of the gateway's in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from credits.ledger import book
from credits.ledger.moves import Beat, Capture, Closed, Held, Reserve, Sweep, Void
from credits.models import Account, Entry, Hold
from credits.snapshot import PowerRate, Rates, TierRate
from gateway import endings, records, routing
from gateway.callers import Caller
from gateway.endings import Ending
from gateway.endpoints.chat import CHAT, parse
from gateway.exchange import Exchange
from gateway.models import AttemptRow, RequestRow
from gateway.rows import insert_attempts, insert_requests
from gateway.snapshot import Snapshot
from gateway.usage.moved import NOTHING_MOVED, moved
from opscenter.core.errors import ServiceError
from tests.gateway.people import caller, person, snapshot
from tests.llmconfig.api import Api, on_server

pytestmark = pytest.mark.django_db

_KINDS = ("input", "cached_input", "cache_write", "output", "search")
_GIVEN = 10**16


def recomputed(request: Mapping[str, Any], attempt: Mapping[str, Any] | None, hold: Mapping[str, Any]) -> int:
    """Nanocredits that the call should have cost, from the columns of its rows alone: uses times prices, the markup,
    the multiplier, the credits of a dollar, one ceiling; at most what was held, or what the sweep had taken.
    """
    if request["billing_basis"] == "void":
        return 0
    if request["billing_basis"] == "checkpoint":
        return int(min(hold["checkpoint_amount"], hold["amount"]))
    assert attempt is not None
    rates = attempt["rates"]
    uncached = request["prompt_tokens"] - request["cached_tokens"] - request["cache_write_tokens"]
    tokens = (uncached, request["cached_tokens"], request["cache_write_tokens"], request["completion_tokens"])
    usd = sum(Fraction(rates[kind]) * count for kind, count in zip(_KINDS[:-1], tokens, strict=True)) / 10**6
    usd += Fraction(rates["search"]) * request["searches"]
    sold = usd * (1 + Fraction(rates["markup"])) * Fraction(rates["multiplier"])
    cost = ceil(sold * Fraction(request["rates"]["credits_per_usd"]) * 10**9)
    # Only the sweep counts the epoch up.
    swept = hold["lease_epoch"] > 1
    return int(min(cost, (hold["captured"] or 0) if swept else hold["amount"]))


@dataclass(frozen=True, slots=True)
class Case:
    """One call: what its tokens cost, what was used, how much could be held, and how it ended."""

    prices: tuple[Decimal, ...]
    markup: Decimal
    multiplier: Decimal
    credits_per_usd: str
    used: tuple[int, int, int, int]
    most_held: int
    ending: str
    checkpoint: int


_prices = st.tuples(*[st.decimals(min_value=0, max_value=200, places=6)] * 5)
_cases = st.builds(
    Case,
    prices=_prices,
    markup=st.decimals(min_value=0, max_value=3, places=4),
    multiplier=st.decimals(min_value=0, max_value=3, places=4),
    credits_per_usd=st.sampled_from(["1000", "1", "0.3", "7.5"]),
    used=st.tuples(*[st.integers(0, 5_000)] * 3, st.integers(0, 3)),
    most_held=st.integers(min_value=0, max_value=10**12),
    ending=st.sampled_from(["answered", "counted", "failed", "refused", "left", "swept", "swept early", "swept, late"]),
    checkpoint=st.integers(min_value=1, max_value=10**12),
)


class Books:
    """One model, one caller; each call at terms of its own, settled and recorded as the gateway does."""

    def __init__(self, known: Snapshot, bob: Caller) -> None:
        self.known, self.bob = known, bob

    def exchange(self, case: Case) -> Exchange:
        ask = parse(b'{"model": "m1", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5000}')
        candidates = routing.candidates(
            self._at(case), self.bob, model="m1", purpose="chat", credits_per_usd=case.credits_per_usd
        )
        return Exchange(self.bob, ask, candidates, CHAT, {})

    def settle(self, case: Case) -> RequestRow:
        exchange = self.exchange(case)
        amount = min(exchange.most_nano(), case.most_held)
        rates = bytes(exchange.receipt).decode()
        (held,) = book.apply([Reserve(exchange.id, self.bob.account_id, None, amount, amount, rates_json=rates)])
        assert isinstance(held, Held)
        exchange.held = held
        if case.ending != "refused":
            exchange.attempt(exchange.candidates[0])
        if case.ending.startswith("swept"):
            self._sweep(exchange, case)
        if case.ending in ("swept", "swept early"):
            hold = Hold.objects.select_related("account").get(pk=exchange.id)
            insert_requests([records.lost(hold, moved([hold.pk]).get(hold.pk, NOTHING_MOVED))])
        else:
            self._end(exchange, _ending(exchange, case))
        return RequestRow.objects.get(pk=exchange.id)

    def _at(self, case: Case) -> Snapshot:
        model = self.known.catalog.models["m1"]
        prices: Any = dict(zip(_KINDS, case.prices, strict=True))
        targets = tuple(replace(target, price=replace(target.price, **prices)) for target in model.targets)
        models = {"m1": replace(model, targets=targets)}
        tiers: dict[str, TierRate] = {
            slug: replace(rate, markup=case.markup) for slug, rate in self.known.rates.tiers.items()
        }
        levels: dict[str, PowerRate] = {
            slug: replace(rate, multiplier=case.multiplier, providers=("local",))
            for slug, rate in self.known.rates.power_levels.items()
        }
        return replace(self.known, catalog=replace(self.known.catalog, models=models), rates=Rates(tiers, levels))

    def _sweep(self, exchange: Exchange, case: Case) -> None:
        if case.ending != "swept early":
            book.beat([Beat(exchange.id, 7, case.checkpoint)])
        book.apply([Sweep(exchange.id, self.bob.account_id, stale_s=-1)])

    def _end(self, exchange: Exchange, ending: Ending) -> None:
        held = exchange.held
        assert held is not None
        where = (exchange.id, self.bob.account_id, held.lease_epoch)
        move = Capture(*where, ending.cost, ending.basis) if ending.captures else Void(*where, ending.basis)
        (closed,) = book.apply([move])
        assert isinstance(closed, Closed)
        exchange.charged_nano = closed.captured
        request, attempts = records.rows(exchange, ending)
        insert_requests([request])
        insert_attempts(attempts)


def _ending(exchange: Exchange, case: Case) -> Ending:
    if case.ending == "refused":
        return endings.refused(exchange, ServiceError("Refused."))
    prompt, cached, completion, searches = case.used
    usage = {
        "prompt_tokens": prompt + cached,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "searches": searches,
    }
    exchange.meter.reply("word " * (completion % 50), None if case.ending == "counted" else usage)
    if case.ending == "failed":
        return endings.upstream_failed(exchange, ServiceError("It broke."))
    exchange.client_left = case.ending == "left"
    return endings.abandoned(exchange) if case.ending == "left" else endings.answered(exchange)


@pytest.fixture
def books(db: None) -> Books:
    alice = Api(person("alice", "LLM admin"))
    alice.model(on_server(alice.server(), "x"), input_price="2", max_output_tokens=5000)
    bob = caller("bob", tier="starter")
    Account.objects.filter(pk=bob.account_id).update(posted=_GIVEN)
    return Books(snapshot(), bob)


def stored(row: RequestRow) -> tuple[Any, Any, Any]:
    """The columns of a call's rows: its request, its last attempt, its hold."""
    request = RequestRow.objects.filter(pk=row.pk).values().get()
    attempt = AttemptRow.objects.filter(request_id=row.pk).order_by("-n").values().first()
    return request, attempt, Hold.objects.filter(pk=row.pk).values().get()


def left_the_wallet(row: RequestRow) -> int:
    keys = [f"usage:{row.pk}", *(f"adj:{row.pk}:{n}" for n in range(1, 10))]
    mine = Entry.objects.filter(journal__idempotency_key__in=keys, account__kind="wallet")
    return -int(mine.aggregate(total=Sum("amount"))["total"] or 0)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(case=_cases)
def test_every_charge_is_recomputed_from_what_is_stored(books: Books, settings: Settings, case: Case) -> None:
    settings.CREDITS_PER_USD = case.credits_per_usd
    with transaction.atomic():
        row = books.settle(case)
        due = recomputed(*stored(row))

        assert row.charged_nano == due
        assert left_the_wallet(row) == due
        assert 0 <= due <= row.held_nano
        transaction.set_rollback(True)


@pytest.mark.parametrize(("credits_per_usd", "charged"), [("1000", 700_000_000), ("1", 700_000)])
def test_the_worked_example(books: Books, settings: Settings, credits_per_usd: str, charged: int) -> None:
    """Starter, 1000 tokens at $0.002 per 1K, balanced: $0.0007."""
    settings.CREDITS_PER_USD = credits_per_usd
    two = Decimal("2.000000")
    case = Case((two,) * 5, Decimal("0.4"), Decimal("0.25"), credits_per_usd, (600, 0, 400, 0), 10**12, "answered", 1)

    row = books.settle(case)

    assert (row.charged_nano, left_the_wallet(row), recomputed(*stored(row))) == (charged,) * 3


def test_what_is_stored_has_every_input(books: Books) -> None:
    case = Case((Decimal(2),) * 5, Decimal("0.4"), Decimal("0.25"), "1000", (600, 0, 400, 0), 10**12, "answered", 1)

    request, attempt, hold = stored(books.settle(case))

    assert attempt is not None
    for rates in (attempt["rates"], hold["rates"]["candidates"][0], request["rates"]["candidates"][0]):
        assert {"price_id", "tier_version", "power_level_version", "markup", "multiplier", *_KINDS} <= set(rates)
    for kept in (hold["rates"], request["rates"]):
        assert {"credits_per_usd", "tier", "power_level"} <= set(kept)
