"""Limits in this process's memory: exact for one process. The twin of script.lua, line for line in what it decides."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.limits.claims import WINDOW_S, Change, Claim, Give, Kind, Outcome, State, Take

NO_SLOT_WAIT_MS = 1000
"""Nobody knows when a call will end; this is when to ask again."""


@dataclass(slots=True)
class Window:
    """What was charged in each second that counts; `total` is their sum."""

    charged: dict[int, int] = field(default_factory=dict)
    total: int = 0
    newest: int = 0

    def advance(self, second: int) -> int:
        """Forget what no longer counts; the second to charge, which never runs backwards."""
        if second <= self.newest:
            return self.newest
        for old in [other for other in self.charged if other <= second - WINDOW_S]:
            self.total -= self.charged.pop(old)
        return second

    def charge(self, second: int, amount: int) -> None:
        self.charged[second] = self.charged.get(second, 0) + amount
        self.total += amount
        self.newest = max(self.newest, second)

    def reset_ms(self, now_ms: int) -> int:
        return (self.newest + WINDOW_S) * 1000 - now_ms if self.total > 0 else 0

    def wait_ms(self, missing: int, now_ms: int) -> int:
        """Until `missing` more than now is free."""
        freed = 0
        for second in sorted(self.charged):
            freed += self.charged[second]
            if freed >= missing:
                return (second + WINDOW_S) * 1000 - now_ms
        return WINDOW_S * 1000


class MemoryLimits:
    """`now_ms` is the clock, in milliseconds. Slots need no lease: they end with the process."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._windows: dict[str, Window] = {}
        self._slots: dict[str, set[str]] = {}

    def take(self, take: Take) -> Outcome:
        now_ms = self._now_ms()
        second = now_ms // 1000
        refused, longest = -1, 0
        granted: int | None = None
        for place, claim in enumerate(take.claims):
            left, wait_ms = self._look(claim, second, now_ms)
            if wait_ms > longest:
                refused, longest = place, wait_ms
            if claim.kind is Kind.TPM:
                granted = min(left, claim.most if granted is None else granted)
        if refused >= 0:
            return Outcome(refused, longest, 0, tuple(self._state(claim, now_ms) for claim in take.claims))
        return self._charge(take, granted or 0, now_ms)

    def note(self, take: Take, granted: int) -> Outcome:
        """Charge what was granted elsewhere, whatever is left here."""
        return self._charge(take, granted, self._now_ms())

    def give(self, give: Give) -> None:
        second = self._now_ms() // 1000
        for change in give.changes:
            if change.kind is Kind.CONCURRENCY:
                self._free(change.key, give.id)
            else:
                self._correct(change, second)

    def prune(self) -> None:
        """Let go of counters that have run out."""
        horizon = self._now_ms() // 1000 - WINDOW_S
        for key in [key for key, window in self._windows.items() if window.newest <= horizon]:
            del self._windows[key]

    def _look(self, claim: Claim, second: int, now_ms: int) -> tuple[int, int]:
        """(what is left, how long to wait for what is needed)."""
        if claim.kind is Kind.CONCURRENCY:
            left = claim.limit - len(self._slots.get(claim.key, ()))
            return left, 0 if left >= 1 else NO_SLOT_WAIT_MS
        window = self._windows.get(claim.key)
        if window is None:
            return claim.limit, 0
        window.advance(second)
        left = claim.limit - window.total
        missing = min(claim.least, claim.limit) - left
        return left, window.wait_ms(missing, now_ms) if missing > 0 else 0

    def _charge(self, take: Take, granted: int, now_ms: int) -> Outcome:
        states = []
        for claim in take.claims:
            second = now_ms // 1000
            if claim.kind is Kind.CONCURRENCY:
                self._slots.setdefault(claim.key, set()).add(take.id)
            else:
                window = self._windows.setdefault(claim.key, Window())
                second = window.advance(second)
                window.charge(second, granted if claim.kind is Kind.TPM else 1)
            states.append(self._state(claim, now_ms, second))
        return Outcome(-1, 0, granted, tuple(states))

    def _state(self, claim: Claim, now_ms: int, second: int = 0) -> State:
        if claim.kind is Kind.CONCURRENCY:
            return State(max(0, claim.limit - len(self._slots.get(claim.key, ()))), 0, 0)
        window = self._windows.get(claim.key)
        if window is None:
            return State(claim.limit, 0, second)
        return State(max(0, claim.limit - window.total), window.reset_ms(now_ms), second)

    def _free(self, key: str, holder: str) -> None:
        if holders := self._slots.get(key):
            holders.discard(holder)
            if not holders:
                del self._slots[key]

    def _correct(self, change: Change, second: int) -> None:
        window = self._windows.get(change.key)
        if window is None:
            if change.tokens <= 0:
                return
            window = self._windows[change.key] = Window()
        second = window.advance(second)
        if change.tokens > 0:
            window.charge(second, change.tokens)
        elif charged := window.charged.get(change.second, 0):
            window.charge(change.second, -min(charged, -change.tokens))
