"""Rows that any database has: system accounts, tiers, power levels, plans, packages.

Made after migrate, never overwritten.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.apps.registry import Apps

from credits.amounts import NANO
from credits.services import rate_versions

SYSTEM_ACCOUNTS = ("purchases", "grants", "revenue", "refunds", "expired", "expense:upstream", "expense:overrun")
_TIERS = {"free": "0", "starter": "0.4", "professional": "0.6", "enterprise": "0.8"}
_POWER_LEVELS: dict[str, dict[str, Any]] = {
    "eco": {
        "multiplier": "0.1",
        "max_output_tokens": 2_000,
        "providers": ["local", "groq", "huggingface"],
        "min_quality": "0.6",
        "strict": True,
    },
    "balanced": {
        "multiplier": "0.25",
        "max_output_tokens": 4_000,
        "providers": ["together", "fireworks", "openrouter"],
        "min_quality": "0.8",
    },
    "precision": {
        "multiplier": "1",
        "max_output_tokens": 16_000,
        "providers": ["anthropic", "openai", "openrouter"],
        "min_quality": "0.95",
    },
}

_PLANS: dict[str, dict[str, Any]] = {
    "trial": {"name": "Trial", "tier": "free", "credits_nano": 1_000 * NANO, "period": "once"},
    "starter": {"name": "Starter", "tier": "starter", "credits_nano": 10_000 * NANO, "period": "month"},
}
_OF_NEW_WALLETS = "trial"
_PACKAGES: dict[str, dict[str, Any]] = {
    "credits-1000": {"name": "1,000 credits", "credits_nano": 1_000 * NANO, "price_minor": 100},
    "credits-5000": {"name": "5,000 credits", "credits_nano": 5_000 * NANO, "price_minor": 450},
    "credits-10000": {"name": "10,000 credits", "credits_nano": 10_000 * NANO, "price_minor": 800},
}


def seed(sender: AppConfig, using: str, apps: Apps = apps, **kwargs: Any) -> None:
    """For post_migrate; `apps` is the registry of the state migrated to, which may lack the tables."""
    try:
        names = ("Account", "Tier", "PowerLevel", "RateVersion")
        account, tier, power_level, _ = (apps.get_model("credits", name) for name in names)
    except LookupError:
        return
    for code in SYSTEM_ACCOUNTS:
        account._default_manager.using(using).get_or_create(code=code, defaults={"kind": "system"})
    for slug, markup in _TIERS.items():
        _seed_rate(apps, using, tier(slug=slug, markup=markup))
    for slug, values in _POWER_LEVELS.items():
        _seed_rate(apps, using, power_level(slug=slug, **values))
    _seed_offers(apps, using)
    _seed_alert_rules(apps, using)


def _seed_rate(apps: Apps, using: str, row: Any) -> None:
    """Its version is written down, also where the row was there before versions were."""
    stored = row.__class__._default_manager.using(using).filter(slug=row.slug).first()
    if stored is None:
        row.version = rate_versions.next_version(apps, row, using=using)
        row.save(using=using)
        # As it is stored: what was given as text is a number there.
        stored = row.__class__._default_manager.using(using).get(slug=row.slug)
    rate_versions.keep_in(apps, stored, using=using)


def _seed_offers(apps: Apps, using: str) -> None:
    plans, packages = (apps.get_model("credits", name)._default_manager.using(using) for name in ("Plan", "Package"))
    for slug, values in _PLANS.items():
        is_chosen = slug == _OF_NEW_WALLETS and not plans.filter(for_new_wallets=True).exists()
        plans.get_or_create(slug=slug, defaults={**values, "for_new_wallets": is_chosen})
    for slug, values in _PACKAGES.items():
        packages.get_or_create(slug=slug, defaults=values)


def _seed_alert_rules(apps: Apps, using: str) -> None:
    try:
        rules = apps.get_model("credits", "AlertRules")
    except LookupError:
        return
    rules._default_manager.using(using).get_or_create(pk=1)
