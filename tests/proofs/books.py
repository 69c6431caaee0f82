"""The books after a proof, compared with what the clients were told and what the upstream was asked."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from tests.e2e.world import NANO, NANO_PER_TOKEN, World
from tests.furnished import CREDITS
from tests.proofs.load import Told
from tests.upstream import Call

HOLDS = """
SELECT id, state, basis, amount, COALESCE(captured, 0), checkpoint_amount, delivered_tokens FROM credits_holds
"""
ROWS = "SELECT id, client_request_id, status, billing_basis, charged_nano FROM llm_requests"
SWEPT = ("checkpoint", "nothing_delivered")
CHARGES = """
SELECT j.idempotency_key, e.amount FROM llm_transactions e JOIN credits_journals j ON j.id = e.journal_id
JOIN llm_credits a ON a.id = e.account_id WHERE a.kind = 'wallet' AND j.kind IN ('usage', 'adjustment')
"""


class Hold(NamedTuple):
    id: UUID
    state: str
    basis: str
    amount: int
    captured: int
    checkpoint: int
    delivered: int

    @property
    def was_swept(self) -> bool:
        return self.basis in SWEPT

    def due(self, cost: int) -> int:
        """Of a call that cost so much: at most what the sweep took, where it was first; the rest is the operator's."""
        return min(self.captured, cost) if self.was_swept else cost


class Row(NamedTuple):
    id: UUID
    marker: str
    status: str
    basis: str
    charged: int


class Books:
    """Everything that is written about calls, read once; the ids are those of the requests."""

    def __init__(self, world: World) -> None:
        self.holds = {hold.id: hold for hold in (Hold(_uuid(id), *rest) for id, *rest in world.live.query(HOLDS))}
        self._rows = [Row(_uuid(id), *rest) for id, *rest in world.live.query(ROWS)]
        self.rows = {row.id: row for row in self._rows}
        self.by_marker = {row.marker: row for row in self._rows if row.marker}
        self.paid: Counter[UUID] = Counter()
        for key, amount in world.live.query(CHARGES):
            self.paid[UUID(key.split(":")[1])] -= int(amount)

    def every_hold_has_one_row(self) -> None:
        """And each row charges what the wallet paid."""
        assert len(self._rows) == len(self.rows), "A request has two rows."
        missing = [hold for id, hold in self.holds.items() if id not in self.rows]
        assert not missing, f"{len(missing)} calls left no row: {missing[:5]}"
        wrong = [(row, self.paid[row.id]) for row in self._rows if row.charged != self.paid[row.id]]
        assert not wrong, f"{len(wrong)} rows say other charges than the journals: {wrong[:5]}"

    def every_call_upstream_has_a_hold(self, calls: Iterable[Call]) -> int:
        """Returns how many calls there were."""
        markers = [marker_of(call) for call in calls if call.body]
        without = self.calls_without_a_hold(markers)
        assert not without, f"{len(without)} calls went upstream without a hold: {without[:5]}"
        return len(markers)

    def calls_without_a_hold(self, markers: Iterable[str]) -> list[str]:
        return [marker for marker in markers if (row := self.by_marker.get(marker)) is None or row.id not in self.holds]

    def every_whole_answer_is_charged_once(self, told: Iterable[Told], reported: Mapping[str, int]) -> int:
        """At what the upstream `reported` in tokens, or what the sweep took of it. Returns how many answers there were.

        On a starved machine the sweep may come before a worker that lives.
        """
        whole = [answer for answer in told if answer.whole]
        for answer in whole:
            request_id = UUID(answer.request_id)
            hold, paid, row = self.holds[request_id], self.paid[request_id], self.rows[request_id]
            cost = reported[answer.marker] * NANO_PER_TOKEN
            assert row.basis == "provider" or hold.was_swept, (answer, row)
            assert paid == hold.due(cost), (answer, row, hold, paid, cost)
            assert cost > 0, answer
        return len(whole)

    def swept_too_early(self, told: Iterable[Told]) -> int:
        """Whole answers that the sweep ended before their worker did."""
        return sum(self.holds[UUID(answer.request_id)].was_swept for answer in told if answer.whole)

    def charged_in_full(self, answer: Told, reported: Mapping[str, int]) -> bool:
        return self.paid[UUID(answer.request_id)] == reported[answer.marker] * NANO_PER_TOKEN


def marker_of(call: Call) -> str:
    return str(call.body["messages"][0]["content"].rpartition(" ")[2])


def tokens_reported(calls: Iterable[Call]) -> dict[str, int]:
    """By the marker of the call: what the upstream says that it used."""
    return {marker_of(call): call.usage["total_tokens"] for call in calls if call.usage}


def balance_is_what_was_not_charged(world: World, books: Books, *, given: int = CREDITS) -> None:
    """Over all wallets, to the nanocredit; none is below nothing, and nothing is held."""
    ((posted, held, least),) = world.live.query(
        "SELECT SUM(posted), SUM(held), MIN(posted) FROM llm_credits WHERE kind = 'wallet'"
    )
    assert (int(posted), int(held)) == (given * NANO - sum(books.paid.values()), 0)
    assert least >= 0


def unrecorded(world: World) -> int:
    """Calls whose hold has ended and that have no row yet."""
    missing = "NOT EXISTS (SELECT 1 FROM llm_requests r WHERE r.id = h.id)"
    ((number,),) = world.live.query(f"SELECT COUNT(*) FROM credits_holds h WHERE h.state <> 'HELD' AND {missing}")
    return int(number)


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
