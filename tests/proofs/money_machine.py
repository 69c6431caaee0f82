"""What else happens to credits: they expire, are bought, go back, and are owed."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from credits.ledger import book
from credits.ledger.moves import Post, Posted
from credits.models import Purchase, Reversal
from credits.services import expiry
from opscenter.core.ids import uuid7
from tests.credits.ledger import pass_time
from tests.proofs import shop
from tests.proofs.machine import COSTS, GIFTS, WALLETS, LedgerMachine
from tests.proofs.oracle import OraclePurchase

HOUR_S = 3600
HOURS = st.integers(1, 4)
CENTS = st.sampled_from((1, 33, 50, shop.PRICE_CENTS))
KINDS = st.sampled_from(list(Reversal.Kind))


class MoneyMachine(LedgerMachine):
    purchases = Bundle("purchases")
    requests = Bundle("requests")
    reversals = Bundle("reversals")

    def __init__(self) -> None:
        super().__init__()
        self.bought: dict[UUID, OraclePurchase] = {}

    # --- lots ---

    @rule(wallet=WALLETS, amount=GIFTS, hours=HOURS)
    def grant_for_a_while(self, wallet: int, amount: int, hours: int) -> None:
        """A second less than the hours, so that it is over when they are."""
        expires_at = timezone.now() + timedelta(seconds=hours * HOUR_S - 1)
        key = f"grant:{self.run}:{uuid7()}"
        move = Post(self.wallets[wallet].pk, "grants", amount, "grant", key, "machine", "", expires_at=expires_at)
        (outcome,) = book.apply([move])
        assert isinstance(outcome, Posted)
        self.oracle.tidy(wallet)
        self.oracle.post(wallet, amount, "grants", self.oracle.clock + hours)

    @rule(hours=HOURS)
    def pass_time(self, hours: int) -> None:
        pass_time(hours * HOUR_S)
        self.oracle.clock += hours

    @rule()
    def expire(self) -> None:
        """What the worker does every minute."""
        before = self.oracle.system["expired"]
        self.oracle.tidy(0, 1)
        assert expiry.expire() == self.oracle.system["expired"] - before

    @rule(target=LedgerMachine.holds, wallet=WALLETS, amount=st.integers(1, 1000), cost=COSTS)
    def call_over_an_expiry(self, wallet: int, amount: int, cost: int) -> UUID | None:
        """It began in time; another doesn't."""
        self.grant_for_a_while(wallet=wallet, amount=1000, hours=1)
        hold_id = self.reserved(wallet, self.a_reserve(wallet, amount, 0))
        self.pass_time(hours=1)
        self.capture(hold_id=self.reserve(wallet=wallet, amount=amount, minimum=0, caps=[]), cost=cost)
        return hold_id

    @rule(wallet=WALLETS, checkpoint=COSTS, cost=COSTS)
    def settle_late_of_a_lot(self, wallet: int, checkpoint: int, cost: int) -> None:
        self.grant_for_a_while(wallet=wallet, amount=700, hours=1)
        hold_id = self.reserve(wallet=wallet, amount=1000, minimum=0, caps=[])
        self.outlive_the_sweep(hold_id=hold_id, tokens=1, checkpoint=checkpoint, cost=cost, times=1)

    # --- purchases ---

    @rule(target=purchases, wallet=WALLETS, amount=st.integers(1, 3000))
    def buy(self, wallet: int, amount: int) -> UUID:
        return self.bought_by(wallet, amount)

    @rule(target=reversals, purchase=purchases, kind=KINDS, cents=CENTS)
    def take_back(self, purchase: UUID, kind: Reversal.Kind, cents: int) -> UUID:
        """A refund made at Stripe, or a dispute; together they may be of more than was paid."""
        return self.taken_back(purchase, kind, cents)

    @rule(target=reversals, purchase=purchases)
    def refund_and_dispute(self, purchase: UUID) -> UUID:
        """What was paid goes back twice."""
        self.taken_back(purchase, Reversal.Kind.REFUND, shop.PRICE_CENTS)
        return self.taken_back(purchase, Reversal.Kind.DISPUTE, shop.PRICE_CENTS)

    @rule(reversal=reversals)
    def give_back(self, reversal: UUID | None) -> None:
        """Once: the refund failed, or the dispute was won."""
        row = Reversal.objects.get(pk=reversal) if reversal else None
        if row and row.state != Reversal.State.RETURNED:
            shop.give_back(row)
            self.moved_back(row.purchase_id, -row.amount_minor)

    @rule(target=reversals, wallet=WALLETS, amount=st.integers(1, 3000), kind=KINDS)
    def spend_and_take_back(self, wallet: int, amount: int, kind: Reversal.Kind) -> UUID:
        """More than is there by then."""
        purchase = self.bought_by(wallet, amount)
        everything = self.oracle.available(wallet)
        hold_id = self.reserved(wallet, self.a_reserve(wallet, everything, everything))
        reversal = self.taken_back(purchase, kind, shop.PRICE_CENTS)
        self.capture(hold_id=hold_id, cost=everything // 2)
        self.reserve(wallet=wallet, amount=1, minimum=1, caps=[])
        return reversal

    @rule(target=requests, purchase=purchases)
    def request_a_refund(self, purchase: UUID) -> tuple[UUID, UUID] | None:
        """By us: its credits are held, also those of a frozen wallet."""
        mine = self.bought[purchase]
        amount = mine.credits - mine.taken
        hold_id = self.reserved(mine.wallet, self.a_reserve(mine.wallet, amount, amount, although_frozen=True))
        return (purchase, hold_id) if hold_id else None

    @rule(target=reversals, request=requests, cents=CENTS)
    def refund(self, request: tuple[UUID, UUID] | None, cents: int) -> UUID | None:
        """The hold ends in the batch that takes the credits."""
        if request is None or self.oracle.holds[request[1]].state != "HELD":
            return None
        purchase, hold_id = request
        release = self.a_void(hold_id, 0)
        reversal = shop.take_back(Purchase.objects.get(pk=purchase), Reversal.Kind.REFUND, cents, beside=[release])
        self.oracle.void(self.oracle.holds[hold_id], 0)
        self.moved_back(purchase, cents)
        return reversal.pk

    @rule(request=requests)
    def refuse_a_refund(self, request: tuple[UUID, UUID] | None) -> None:
        if request is not None:
            self.void(hold_id=request[1], expense=0)

    # --- what they are made of ---

    def bought_by(self, wallet: int, amount: int) -> UUID:
        purchase = shop.buy(self.wallets[wallet], amount)
        self.bought[purchase.pk] = OraclePurchase(wallet, amount, shop.PRICE_CENTS)
        self.oracle.tidy(wallet)
        self.oracle.buy(self.bought[purchase.pk])
        return purchase.pk

    def taken_back(self, purchase: UUID, kind: Reversal.Kind, cents: int) -> UUID:
        reversal = shop.take_back(Purchase.objects.get(pk=purchase), kind, cents)
        self.moved_back(purchase, cents)
        return reversal.pk

    def moved_back(self, purchase: UUID, cents: int) -> None:
        mine = self.bought[purchase]
        self.oracle.tidy(mine.wallet)
        self.oracle.reverse(mine, cents)
