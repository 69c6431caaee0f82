"""Tiers and power levels: seeded as sold, kept as operators leave them."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from credits import snapshot
from credits.models import Account, PowerLevel, Tier
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
