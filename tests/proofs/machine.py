"""All moves of the ledger in any order, in batches too; after each the books are compared with the oracle's."""

import json
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from credits.ledger import book
from credits.ledger.moves import Broken, Capture, Closed, Refused, Reserve
from credits.models import Hold
from credits.services import grants, sweep, wallets
from gateway.pricing import TokenRates, token_rates
from gateway.usage_counts import Usage
from llmconfig.models import LLMModel, Price
from llmconfig.services import catalog, prices
from opscenter.core.ids import uuid7
from tests.credits.ledger import deliver, forget
from tests.proofs.books_machine import WINDOWS, BooksMachine
from tests.proofs.oracle import cost_of

AMOUNTS = st.integers(0, 1000)
# Few values, so that a key comes back with the same amount too.
GIFTS = st.sampled_from((1, 2, 700, 3000))
COSTS = st.integers(0, 1500)
WALLETS = st.integers(0, 1)
MARKUP_PERCENT = 40
CREDITS_PER_USD = 1000
FEES = st.integers(0, 100)
KEYS = st.sampled_from(("a", "b", "c"))


class LedgerMachine(BooksMachine):
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.model = catalog.create_model(values={"name": self.run, "purpose": "chat", **rates(self.oracle.price)})

    # --- credits in and out ---

    @rule(wallet=WALLETS, amount=GIFTS, key=KEYS | st.none())
    def give(self, wallet: int, amount: int, key: str | None) -> None:
        """Twice, by a key that others use too, for another amount or wallet: the first counts."""
        key = self.a_key(key)
        for _ in range(2):
            self.moved(grants.grant, wallet, amount, key)

    @rule(wallet=WALLETS, amount=st.integers(-3000, 3000).filter(bool), key=KEYS | st.none())
    def adjust(self, wallet: int, amount: int, key: str | None) -> None:
        """Only what isn't held can be taken back."""
        self.moved(grants.adjust, wallet, amount, self.a_key(key))

    @rule(wallet=WALLETS, frozen=st.booleans())
    def freeze(self, wallet: int, frozen: bool) -> None:
        (wallets.freeze if frozen else wallets.unfreeze)(account=self.wallets[wallet])
        self.oracle.wallets[wallet].frozen = frozen

    # --- holds ---

    @rule(target=holds, wallet=WALLETS, amount=AMOUNTS, minimum=AMOUNTS, caps=st.lists(AMOUNTS, max_size=2))
    def reserve(self, wallet: int, amount: int, minimum: int, caps: list[int]) -> UUID | None:
        budgets = tuple(map(self.cap, WINDOWS, caps))
        return self.reserved(wallet, self.a_reserve(wallet, amount, min(minimum, amount), budgets=budgets))

    @rule(target=holds, wallet=WALLETS)
    def reserve_everything(self, wallet: int) -> UUID | None:
        """Then there is nothing left for another, who is refused."""
        self.give(wallet, 1, None)
        everything = self.oracle.available(wallet)
        hold_id = self.reserved(wallet, self.a_reserve(wallet, everything, everything))
        self.reserved(wallet, self.a_reserve(wallet, 1, 1))
        return hold_id

    @rule(target=holds, wallet=WALLETS, cap=st.sampled_from((1000, 5000)))
    def reserve_a_budget(self, wallet: int, cap: int) -> UUID | None:
        """The same of a budget that both wallets share."""
        moves = [self.a_reserve(n, 1000, 1000, budgets=(self.cap(WINDOWS[0], cap),)) for n in (wallet, 1 - wallet)]
        for n in (0, 1):
            self.give(n, 1000, None)
        first, _ = (self.reserved(n, move) for n, move in zip((wallet, 1 - wallet), moves, strict=True))
        return first

    @rule(target=holds, wallet=WALLETS, tokens=st.integers(0, 3))
    def reserve_at_the_price(self, wallet: int, tokens: int) -> UUID | None:
        amount = cost_of(tokens, self.oracle.price, MARKUP_PERCENT, CREDITS_PER_USD)
        self.give(wallet, amount + 1, None)
        price = LLMModel.objects.complete().get(pk=self.model.pk).price
        assert price is not None
        receipt = json.dumps({"price": price.number})
        return self.reserved(wallet, self.a_reserve(wallet, amount, amount, rates_json=receipt))

    @rule(price=st.integers(1, 50))
    def change_the_price(self, price: int) -> None:
        """For the holds to come; those that are open keep theirs."""
        prices.set_price(model=self.model, rates=rates(price))
        self.oracle.price = price

    @rule(hold_id=holds)
    def reserve_again_by_the_same_id(self, hold_id: UUID | None) -> None:
        """It is refused, and takes nothing with it: a grant in the same batch stands."""
        if hold_id is None:
            return
        wallet = self.oracle.holds[hold_id].wallet
        (outcome,) = book.apply([Reserve(hold_id, self.wallets[wallet].pk, 7, 0, 0)])
        if isinstance(outcome, Refused):
            self.oracle.tidy(wallet)
        else:
            assert isinstance(outcome, Broken)

    @rule(hold_id=holds, tokens=st.integers(0, 50), cost=COSTS)
    def beat(self, hold_id: UUID | None, tokens: int, cost: int) -> None:
        if hold_id is not None:
            deliver(hold_id, tokens, cost)
            self.oracle.beat(self.oracle.holds[hold_id], tokens, cost)

    @rule(hold_id=holds)
    def lose_worker(self, hold_id: UUID | None) -> None:
        if hold_id is not None:
            forget(hold_id)
            self.oracle.holds[hold_id].stale = True

    @rule()
    def sweep(self) -> None:
        swept = {hold.pk for hold in sweep.sweep()}
        self.oracle.sweep(swept)
        self.oracle.tidy(*(self.oracle.holds[hold_id].wallet for hold_id in swept))

    @rule(hold_id=holds, tokens=st.integers(1, 50), checkpoint=COSTS, cost=COSTS, times=st.integers(1, 3))
    def outlive_the_sweep(self, hold_id: UUID | None, tokens: int, checkpoint: int, cost: int, times: int) -> None:
        """The worker was only slow: it settles what the sweep has ended meanwhile."""
        self.beat(hold_id=hold_id, tokens=tokens, cost=checkpoint)
        self.lose_worker(hold_id=hold_id)
        self.sweep()
        for _ in range(times):
            self.capture(hold_id=hold_id, cost=cost)

    @rule(hold_id=holds, cost=COSTS)
    def capture(self, hold_id: UUID | None, cost: int) -> None:
        if hold_id is not None:
            self.ended([self.a_capture(hold_id, cost)])

    @rule(hold_id=holds, tokens=st.integers(0, 5))
    def capture_at_the_price_of_the_hold(self, hold_id: UUID | None, tokens: int) -> None:
        if hold_id is not None and (price := self.oracle.holds[hold_id].price):
            stored = Price.objects.get(model=self.model, number=Hold.objects.get(pk=hold_id).rates["price"])
            cost = charged_at(stored).cost_nano(Usage(0, 0, 0, tokens))
            assert cost == cost_of(tokens, price, MARKUP_PERCENT, CREDITS_PER_USD)
            self.ended([self.a_capture(hold_id, cost)])

    @rule(hold_id=holds, expense=FEES)
    def void(self, hold_id: UUID | None, expense: int) -> None:
        if hold_id is not None:
            self.ended([self.a_void(hold_id, expense)])

    @rule(hold_ids=st.lists(holds, max_size=4), costs=st.lists(COSTS, min_size=4, max_size=4), times=st.integers(1, 3))
    def end_together(self, hold_ids: list[UUID | None], costs: list[int], times: int) -> None:
        """One batch, each of its closes up to three times: one of them counts."""
        moves = [self.a_capture(id, cost) for id, cost in zip(hold_ids, costs, strict=False) if id is not None]
        self.ended(moves * times)

    @rule(hold_id=holds, cost=COSTS)
    def capture_with_a_broken_neighbour(self, hold_id: UUID | None, cost: int) -> None:
        """A move that nobody could make doesn't keep its neighbours from theirs."""
        if hold_id is not None:
            stranger = Capture(uuid7(), self.wallets[0].pk, 1, -1, "impossible")
            self.ended([self.a_capture(hold_id, cost)], beside=stranger)

    @rule(hold_id=holds, cost=COSTS)
    def settle_somebody_elses(self, hold_id: UUID | None, cost: int) -> None:
        """By another wallet, or by a lease that never was: nothing happens."""
        if hold_id is None:
            return
        hold = self.oracle.holds[hold_id]
        mine, other = self.wallets[hold.wallet].pk, self.wallets[1 - hold.wallet].pk
        for move in (Capture(hold_id, other, 1, cost, "x"), Capture(hold_id, mine, 99, cost, "x")):
            (outcome,) = book.apply([move])
            assert isinstance(outcome, Closed)
            assert not outcome.won
        self.oracle.tidy(0, 1)


def rates(price: int) -> dict[str, Decimal | None]:
    return {"input_price": Decimal(price), "output_price": Decimal(price)}


def charged_at(price: Price) -> TokenRates:
    assert price.input_price is not None
    assert price.output_price is not None
    return token_rates(
        input_price=price.input_price,
        cached_price=price.input_price,
        write_price=price.input_price,
        output_price=price.output_price,
        markup=Decimal(MARKUP_PERCENT) / 100,
        multiplier=Decimal(1),
        credits_per_usd=str(CREDITS_PER_USD),
    )
