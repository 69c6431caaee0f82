"""A buyer's bank takes the money, and may give it back.

What a dispute says of itself decides, whatever event brought it and in whatever order: its balance transactions are
all that was withdrawn (negative) and reinstated (positive) so far, so both only grow. What is withdrawn again after it
was reinstated is added to the first. They are in the account's own currency: where that is another than the dispute's,
counts and ratios decide, since exchange rates move in between. An inquiry (`warning_...`) has none and takes nothing.
"""

from typing import Any

from credits.models import Purchase, Reversal
from credits.stripe import reversals

WITHDRAWN_EVENT = "charge.dispute.funds_withdrawn"
REINSTATED_EVENT = "charge.dispute.funds_reinstated"
_WITHDRAWN = ("needs_response", "under_review", "lost")


def apply(dispute: dict[str, Any], *, event: str = "") -> bool:
    """Take or give back credits; True where some moved. Inside `audit.writing()`. Raises as reversals.locked does."""
    purchase = reversals.locked(dispute)
    withdrawn, returned = position(dispute, event)
    known = Reversal.objects.filter(stripe_id=dispute["id"]).first()
    if withdrawn <= (known.amount_minor if known else 0) and returned <= (known.returned_minor if known else 0):
        return False
    reversal = known or Reversal(purchase=purchase, kind=Reversal.Kind.DISPUTE, stripe_id=dispute["id"], amount_minor=0)
    return _move(purchase, reversal, withdrawn, returned, reason=f"Dispute, {dispute.get('reason')}")


def position(dispute: dict[str, Any], event: str = "") -> tuple[int, int]:
    """What of the price the bank has taken so far, in all, and what of that came back."""
    amount, status = reversals.amount_of(dispute), dispute.get("status")
    movements = [one for one in dispute.get("balance_transactions") or () if isinstance(one, dict)]
    outs = [-one["amount"] for one in movements if one["amount"] < 0]
    backs = [one["amount"] for one in movements if one["amount"] > 0]
    if not (outs or event in (WITHDRAWN_EVENT, REINSTATED_EVENT) or (not movements and status in _WITHDRAWN)):
        return 0, 0
    is_told = outs and {one.get("currency") for one in movements} == {dispute.get("currency")}
    withdrawn, returned = (sum(outs), sum(backs)) if is_told else _converted(amount, outs, backs)
    was_taken_again = len(outs) > len(backs) > 0
    is_back = (status == "won" and not was_taken_again) or (event == REINSTATED_EVENT and not backs)
    return withdrawn, withdrawn if is_back else min(returned, withdrawn)


def _converted(amount: int, outs: list[int], backs: list[int]) -> tuple[int, int]:
    """In the dispute's currency: each withdrawal takes all of it, and of the last one the ratio says what came back."""
    times = max(1, min(len(outs), len(backs) + 1))
    whole = amount * (times - 1)
    if len(backs) < times:
        return whole + amount, whole
    back = sum(backs[times - 1 :])
    mean = sum(outs) // len(outs) if outs else back
    return whole + amount, whole + amount * min(back, mean) // max(mean, 1)


def _move(purchase: Purchase, reversal: Reversal, withdrawn: int, returned: int, *, reason: str) -> bool:
    before = reversal.effective_minor
    out = f":out:{withdrawn}" if reversal.amount_minor else ":out"
    back = f":in:{returned}" if reversal.returned_minor else ":in"
    reversal.amount_minor = max(reversal.amount_minor, withdrawn)
    reversal.returned_minor = max(reversal.returned_minor, returned)
    is_over = reversal.returned_minor == reversal.amount_minor
    reversal.state = Reversal.State.RETURNED if is_over else Reversal.State.TAKEN
    suffix = out if reversal.effective_minor > before else back
    return reversals.book(purchase, reversal, key=f"stripe:dp:{reversal.stripe_id}{suffix}", reason=reason)
