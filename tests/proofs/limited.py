"""Keys with a limit whose clients ask for far more, and what they got of it, as the upstream saw it."""

from collections.abc import Iterable, Sequence

from tests.e2e.world import World
from tests.proofs.books import marker_of
from tests.proofs.load import Kind, Load, Told
from tests.upstream import Call

WINDOW_S = 60
# The limit by Redis, the shares without it, and the limit anew by a Redis that came back empty.
MOST_TIMES = 3
# The limit by Redis, and the shares of those that have not found it again.
MOST_TIMES_AT_ONCE = 2
PAUSE_S = 0.1
TOKENS_PER_CALL = 200
MODELS = {"metered": f"fault:usage:20:{TOKENS_PER_CALL - 20}", "slow": "fault:chunks:20:0.02"}
# What an answer of "slow" takes at least.
SLOW_S = 0.3


class Limited:
    """A key with one limit, "rpm", "tpm" or "concurrency", and its clients."""

    def __init__(self, world: World, limit: str, most: int, kind: Kind, clients: int, credits: int) -> None:
        self.limit, self.most, self.clients = limit, most, clients
        key = world.new_key(f"limited-by-{limit}", credits=credits, limits={limit: most})
        self.load = Load(world.live.url, key, [kind], clients, pause_s=PAUSE_S, move=True)

    @property
    def told(self) -> list[Told]:
        return self.load.told

    def is_served(self, since: float) -> bool:
        """Whether a call that began after `since`, by time.monotonic(), was answered."""
        return any(told.whole and told.began > since for told in self.told[-100:])

    def nothing_but_answers_and_refusals(self) -> int:
        """Each refusal says when to come back. Returns how many there were."""
        refused = [told for told in self.told if told.status == 429]
        assert all(1 <= int(told.retry_after) <= WINDOW_S for told in refused), refused[:5]
        other = [told for told in self.told if not told.whole and told.status != 429]
        assert not other, other[:5]
        return len(refused)

    def most_used(self, calls: Iterable[Call]) -> int:
        """Requests or tokens in a minute, or calls at once, where it was most."""
        began = self._began(calls)
        return busiest(began, SLOW_S) if self.limit == "concurrency" else busiest(began, WINDOW_S) * self.per_call

    def used_between(self, calls: Iterable[Call], began: float, ended: float) -> int:
        """Requests or tokens of the calls that reached the upstream then, by time.time()."""
        return sum(began < at < ended for at in self._began(calls)) * self.per_call

    @property
    def unit(self) -> str:
        return "tokens" if self.limit == "tpm" else "requests"

    @property
    def per_call(self) -> int:
        return TOKENS_PER_CALL if self.limit == "tpm" else 1

    def _began(self, calls: Iterable[Call]) -> list[float]:
        mine = {told.marker for told in self.told}
        return sorted(call.at for call in calls if marker_of(call) in mine)


def busiest(moments: Sequence[float], seconds: float) -> int:
    """Most of the sorted moments that lie within so many seconds."""
    most = oldest = 0
    for newest, moment in enumerate(moments):
        while moment - moments[oldest] >= seconds:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most
