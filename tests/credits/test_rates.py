"""Tiers and power levels: seeded as sold, kept as operators leave them."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, transaction

from credits import snapshot
from credits.models import Account, PowerLevel, RateVersion, Tier
from credits.seeds import SYSTEM_ACCOUNTS
from opscenter.core import changes
from opscenter.core.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_fresh_database_has_the_rates_as_sold() -> None:
    rates = snapshot.load()
    markups = {slug: (rate.markup, rate.rank) for slug, rate in rates.tiers.items()}
    assert markups == {
        "free": (Decimal(0), 0),
        "starter": (Decimal("0.4"), 1),
        "professional": (Decimal("0.6"), 2),
        "enterprise": (Decimal("0.8"), 3),
    }
    eco, balanced, precision = (rates.power_levels[slug] for slug in ("eco", "balanced", "precision"))
    assert (eco.multiplier, eco.max_output_tokens, eco.min_quality) == (Decimal("0.1"), 2_000, Decimal("0.6"))
    assert eco.providers == ("local", "groq", "huggingface")
    assert (eco.strict, balanced.strict, precision.strict) == (True, False, False)
    assert (balanced.multiplier, balanced.max_output_tokens) == (Decimal("0.25"), 4_000)
    assert balanced.providers == ("together", "fireworks", "openrouter")
    assert (precision.multiplier, precision.max_output_tokens) == (Decimal(1), 16_000)
    assert precision.providers == ("anthropic", "openai", "openrouter")


def test_migrating_again_never_overwrites_an_operators_edit() -> None:
    tier = Tier.objects.get(slug="starter")
    tier.markup = Decimal("0.5")
    changes.save(tier)
    PowerLevel.objects.get(slug="eco").delete()
    call_command("migrate", verbosity=0)
    assert Tier.objects.get(slug="starter").markup == Decimal("0.5")
    assert Tier.objects.get(slug="starter").version == 2
    assert PowerLevel.objects.filter(slug="eco").exists()
    assert AuditEntry.objects.filter(entity_type="credits_tiers").count() == 1


def test_migrating_makes_the_system_accounts() -> None:
    assert set(Account.objects.system().values_list("code", flat=True)) == set(SYSTEM_ACCOUNTS)


@pytest.mark.parametrize("providers", ["groq", [1], [""], {"groq": 1}], ids=str)
def test_power_level_wants_a_list_of_provider_names(providers: object) -> None:
    level = PowerLevel.objects.get(slug="eco")
    level.providers = providers
    with pytest.raises(ValidationError):
        changes.save(level)


def values_of(kind: str, slug: str) -> list[tuple[int, str]]:
    rows = RateVersion.objects.filter(kind=kind, slug=slug).order_by("version")
    return [(row.version, row.values["markup" if kind == "tier" else "multiplier"]) for row in rows]


def test_every_version_of_a_rate_can_be_looked_up() -> None:
    tier, level = Tier.objects.get(slug="starter"), PowerLevel.objects.get(slug="eco")
    for markup in ("0.5", "0.55"):
        tier.markup = Decimal(markup)
        changes.save(tier)
    level.multiplier = Decimal("0.2")
    changes.save(level)
    assert values_of("tier", "starter") == [(1, "0.4"), (2, "0.5"), (3, "0.55")]
    assert values_of("power_level", "eco") == [(1, "0.1"), (2, "0.2")]
    assert tier.version == 3


def test_a_rate_that_is_saved_as_it_was_has_no_further_version() -> None:
    changes.save(Tier.objects.get(slug="starter"))
    assert values_of("tier", "starter") == [(1, "0.4")]


def test_a_rate_that_is_not_saved_has_no_version() -> None:
    tier = Tier.objects.get(slug="starter")
    tier.markup = Decimal(-1)
    with pytest.raises(ValidationError):
        changes.save(tier)
    assert values_of("tier", "starter") == [(1, "0.4")]


def test_a_version_is_never_written_anew() -> None:
    for write in (lambda: RateVersion.objects.update(values={}), lambda: RateVersion.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            write()


def test_a_row_made_anew_goes_on_counting() -> None:
    level = PowerLevel.objects.get(slug="eco")
    level.multiplier = Decimal("0.2")
    changes.save(level)
    level.delete()
    call_command("migrate", verbosity=0)
    assert values_of("power_level", "eco") == [(1, "0.1"), (2, "0.2"), (3, "0.1")]
    assert PowerLevel.objects.get(slug="eco").version == 3
