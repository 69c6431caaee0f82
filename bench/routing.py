"""`python -m bench.routing`: compares the strategies of routing by simulation and writes bench/ROUTING.md."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from bench.places import Place

_PAGE = Path(__file__).parent / "ROUTING.md"
_SEED = 20261122
_HEAD = """# Strategies of routing, compared

`python -m bench.routing`: {calls:,} calls, {rate:.0f} a second, for each strategy the same ones (seed {seed}), over
five deployments of one priority and weight that slow down, fail and recover. A simulation on a virtual clock
(`bench/simulation.py`) of the product's own strategies, measurements and breaker. Durations are from a call's arrival
to its whole answer, failed attempts included; the breaker and failover work for all of them.

| deployment | USD per 1M tokens | quality | first byte, s | ms a token | calls at once | what happens to it |
|---|---|---|---|---|---|---|
{places}

| strategy | answered | attempts a call | p50, s | p99, s | USD per 1,000 | quality |
|---|---|---|---|---|---|---|
{strategies}

Which deployment answered, in per cent of the answers:

| strategy | {names} |
|---|{lines}
{shares}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="for each strategy")
    parser.add_argument("--seed", type=int, default=_SEED)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")
    django.setup()
    text = _page(options.calls, options.seed)
    _PAGE.write_text(text, encoding="utf-8")
    print(text)


def _page(calls: int, seed: int) -> str:
    # They need the loaded apps.
    from bench.places import PLACES  # noqa: PLC0415
    from bench.simulation import CALLS_A_SECOND, Simulation  # noqa: PLC0415
    from gateway.routing.strategies import STRATEGIES  # noqa: PLC0415

    outcomes = {name: Simulation(strategy, seed=seed).run(calls) for name, strategy in STRATEGIES.items()}
    names = [place.name for place in PLACES]
    return _HEAD.format(
        calls=calls,
        rate=CALLS_A_SECOND,
        seed=seed,
        places="\n".join(_place(place) for place in PLACES),
        strategies="\n".join(
            f"| {name} | {100 * one.success:.2f} % | {one.attempts / one.calls:.3f} | {one.percentile_s(50):.2f} "
            f"| {one.percentile_s(99):.2f} | {one.usd_per_1000:.2f} | {one.mean_quality:.3f} |"
            for name, one in outcomes.items()
        ),
        names=" | ".join(names),
        lines="---|" * len(names),
        shares="\n".join(
            f"| {name} | " + " | ".join(f"{100 * one.shares().get(place, 0):.1f}" for place in names) + " |"
            for name, one in outcomes.items()
        ),
    )


def _place(place: "Place") -> str:
    spells = [
        f"{spell.begin_s:.0f} to {spell.end_s:.0f} s: "
        + (f"{spell.slower:.0f} times slower" if spell.slower > 1 else f"{100 * spell.failing:.0f} % of calls fail")
        for spell in place.spells
    ]
    return (
        f"| {place.name} | {place.usd_per_mtok} | {place.quality} | {place.first_s} | {1000 * place.per_token_s:.0f} "
        f"| {place.at_once} | {', '.join(spells) or 'nothing'} |"
    )


if __name__ == "__main__":
    main()
