"""Plans of the tests' own, and moments at the turn of a month, so far away that nothing granted then has expired."""

from datetime import UTC, datetime, timedelta
from typing import Any

from credits.amounts import NANO
from credits.models import Plan

NOVEMBER = datetime(2126, 11, 12, 9, 30, tzinfo=UTC)
LAST_MOMENT = datetime(2126, 12, 1, tzinfo=UTC) - timedelta(microseconds=1)
DECEMBER = datetime(2126, 12, 1, tzinfo=UTC)
FEBRUARY = datetime(2127, 2, 20, 17, tzinfo=UTC)


def a_plan(slug: str, *, credits: int, tier: str = "starter", **fields: Any) -> Plan:
    return Plan.objects.create(slug=slug, name=slug.title(), tier=tier, credits_nano=credits * NANO, **fields)


def starter() -> Plan:
    """10,000 credits a month, as it is shipped."""
    return Plan.objects.get(slug="starter")


def team() -> Plan:
    return a_plan("team", credits=50_000, tier="professional")
