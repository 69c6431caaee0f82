"""`import_models --provider NAME`: shows what LiteLLM's price list would change in the catalog; `--apply` writes it."""

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from llmconfig import price_map, starting_catalog
from llmconfig.models import Deployment, ProviderKey
from llmconfig.price_map import Listing
from llmconfig.providers import PROVIDERS, is_known
from llmconfig.services import first_catalog, importing, platform_keys
from llmconfig.services.importing import Plan, Step
from opscenter.core.audit import Actor, acting_as
from opscenter.core.errors import ServiceError


class Command(BaseCommand):
    help = "Fill the catalog and its prices from LiteLLM's bundled price list. Shows the difference; --apply writes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--provider",
            action="append",
            default=[],
            help=f"{', '.join(PROVIDERS)}, or another by its name at LiteLLM; may be given again",
        )
        parser.add_argument("--match", default="*", help="only models whose names fit, such as 'gpt-4*'")
        parser.add_argument("--key", type=int, help="ID of the platform key on which new models are deployed")
        parser.add_argument("--new-only", action="store_true", help="leave prices and sizes of what is there alone")
        parser.add_argument("--free", action="store_true", help="also what is listed at no cost: its calls are free")
        parser.add_argument("--retired", action="store_true", help="also what the provider has withdrawn")
        parser.add_argument(
            "--starting-catalog", action="store_true", help="what is missing of the catalog that a first start makes"
        )
        parser.add_argument("--apply", action="store_true", help="write it; nothing is written otherwise")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["provider"] and not options["starting_catalog"]:
            raise CommandError("Name a provider, such as --provider openai, or give --starting-catalog.")
        try:
            with acting_as(Actor.command("import_models")):
                changed = sum(self._handle_one(plan, options) for plan in self._plans(options))
        except ServiceError as error:
            raise CommandError(error.message) from error
        except ValidationError as error:
            raise CommandError(f"Not written: {'; '.join(error.messages)}") from error
        if changed and not options["apply"]:
            self.stdout.write("Nothing was written. Give --apply to write this.")

    def _plans(self, options: dict[str, Any]) -> Iterator[Plan]:
        for slug in options["provider"]:
            yield self._plan(slug, options)
        for provider in starting_catalog.by_provider() if options["starting_catalog"] else ():
            with _kept(options["apply"]):
                plan = first_catalog.missing_from(provider)
            if plan is not None:
                self._tell(provider, plan, {})
                yield plan

    def _plan(self, slug: str, options: dict[str, Any]) -> Plan:
        if not is_known(slug):
            raise CommandError(f"{slug!r} is no provider that LiteLLM knows.")
        listing = price_map.listing(
            slug, today=timezone.now().date(), with_free=options["free"], with_retired=options["retired"]
        )
        if not listing.offers and not listing.left_out:
            raise CommandError(f"LiteLLM's list has no models of {slug}.")
        with _kept(options["apply"]):
            plan = self._compared(slug, listing, options)
        self._tell(slug, plan, listing.left_out)
        self._tell_doubts(slug, options["match"])
        return plan

    def _compared(self, slug: str, listing: Listing, options: dict[str, Any]) -> Plan:
        offers = [offer for offer in listing.offers if fnmatchcase(offer.name, options["match"])]
        known_on: list[ProviderKey] = []
        if options["key"] is None:
            onto = platform_keys.reserve(slug)
            known_on = list(ProviderKey.objects.platform().filter(provider=slug))
        else:
            onto = _key(options["key"], slug)
        plan = importing.plan(offers, onto=onto, known_on=known_on)
        return plan.additions() if options["new_only"] else plan

    def _tell(self, provider: str, plan: Plan, left_out: Mapping[str, int]) -> None:
        new = sum(step.deployment is None for step in plan.steps)
        counts = [f"{new} new", f"{len(plan.steps) - new} changed", f"{plan.unchanged} as they are"]
        self.stdout.write(f"{provider} ({plan.place}): {', '.join(counts)}")
        for step in plan.steps:
            self.stdout.write(f"  {describe(step)}")
        for name in plan.taken:
            self.stdout.write(f"  ! {name}: left out, the catalog has that name for another purpose")
        for reason, count in sorted(left_out.items()):
            self.stdout.write(f"  {count} left out: {reason}")

    def _tell_doubts(self, slug: str, match: str) -> None:
        """Of what is in the catalog already, whatever the provider may have given up since."""
        today = timezone.now().date()
        rows = Deployment.objects.platform().enabled().filter(key__provider=slug).select_related("model")
        for row in rows.order_by("model__name", "pk"):
            why = price_map.doubt(slug, row.upstream_model, today=today)
            if why and fnmatchcase(row.model.name, match):
                self.stdout.write(f"  ! {row.model}: {row.upstream_model} {why}; calls of it may fail")

    def _handle_one(self, plan: Plan, options: dict[str, Any]) -> int:
        if options["apply"] and plan.steps:
            importing.apply(plan)
            self.stdout.write(f"  {len(plan.steps)} written.")
        return len(plan.steps)


def describe(step: Step) -> str:
    """`+` is new, `~` is another price or size."""
    offer = step.offer
    remarks = (
        f"  (not covered: {'; '.join(offer.remarks)})" if offer.remarks and (step.rates or step.is_new_model) else ""
    )
    if step.is_new_model:
        return f"+ {offer.name}: {offer.purpose}, {offer.model.get('tier', 'free')}, {_prices(offer.rates)}{remarks}"
    if step.is_new_deployment:
        own = f" at a price of its own, {_prices(offer.rates)}" if step.rates else ""
        return f"+ {step.model}: another deployment, {offer.upstream_model}{own}{remarks}"
    name = f"{step.model} on {offer.upstream_model}" if step.is_own_price else str(step.model)
    changes = (f"{field.replace('_', ' ')} {_shown(old)} -> {_shown(new)}" for field, old, new in step.differences())
    return f"~ {name}: {'; '.join(changes)}{remarks}"


def _prices(rates: Mapping[str, Decimal]) -> str:
    shown = (f"{name.removesuffix('_price').replace('_', ' ')} {_shown(rate)}" for name, rate in rates.items())
    return f"USD per 1M: {', '.join(shown)}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return format(value.normalize() + 0, "f") if isinstance(value, Decimal) else str(value)


def _key(key_id: int, slug: str) -> ProviderKey:
    key = ProviderKey.objects.platform().filter(pk=key_id, provider=slug).first()
    if key is None:
        raise CommandError(f"The platform has no key {key_id} for {slug}.")
    return key


@contextmanager
def _kept(is_kept: bool) -> Iterator[None]:
    """What is made inside, so that there is something to compare with, stays only if it `is_kept`."""
    with transaction.atomic():
        yield
        if not is_kept:
            transaction.set_rollback(True)
