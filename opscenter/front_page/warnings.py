"""What an operator should look at: each warning says what is wrong and leads to where it is mended."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from credits.models import StripeEvent
from credits.services import ledger_checks
from credits.stripe import overdue
from gateway.margin import report
from gateway.margin.below_cost import below_cost
from gateway.models import UsageStat
from llmconfig.models import ActiveProvider, AIServer, LLMModel, ProviderKey, ProxyState
from llmconfig.services import active, proxy_sync
from opscenter.core import secrets
from opscenter.core.errors import ServiceError
from opscenter.core.models import AuditEntry, AuditHead, Secret
from opscenter.front_page.facts import Fact, ago, link_to, may_view

_MOST_SECRETS = 25
_MOST_LOSSES = 3


def warnings(request: HttpRequest, actives: list[ActiveProvider], swept: timedelta | None) -> list[Fact]:
    """`swept`: how long ago a worker last swept."""
    found = [
        *_about_worker(swept),
        *_about_actives(request, actives),
        *_about_prices(request),
        *_about_secrets(request),
    ]
    found += [*_about_rotation(request), *_about_proxy(request), *_about_audit(request)]
    found += [*_about_margin(request), *_about_stripe(request)]
    if settings.DEBUG:
        found.append(Fact("DEBUG", "It is on: error pages show settings and code to whoever causes one."))
    return found


def worker(swept: timedelta | None) -> Fact:
    """When a worker was last seen."""
    text = f"last sweep {ago(swept.total_seconds())}" if swept else "never seen"
    return Fact("Background worker", text, level="success" if ledger_checks.is_recent(swept) else "danger")


def _about_worker(swept: timedelta | None) -> Iterator[Fact]:
    if not ledger_checks.is_recent(swept):
        seen = f"its last sweep was {ago(swept.total_seconds())}" if swept else "none has swept yet"
        yield Fact("Worker", f"No background worker is alive ({seen}): holds of dead processes stay open.")


def _about_actives(request: HttpRequest, actives: list[ActiveProvider]) -> Iterator[Fact]:
    listed = link_to(request, ActiveProvider)
    if not any(one.purpose == "chat" for one in actives):
        yield Fact("Active provider", "Nobody is active for chat: calls that name no model are refused.", listed)
    for one in actives:
        try:
            active.validate(one)
        except ServiceError as refusal:
            yield Fact("Active provider", f"{one.get_purpose_display()}: {refusal.message}", listed)
        for model in active.beside_the_catalog(one):
            text = f'"{model}" is active for {one.purpose} without being in the catalog: its calls are free.'
            yield Fact("Free of charge", text, listed)


def _about_proxy(request: HttpRequest) -> Iterator[Fact]:
    state = ProxyState.objects.filter(pk=1).first() if proxy_sync.is_on() else None
    if state is None or state.status not in (ProxyState.Status.FAILING, ProxyState.Status.DRIFTED):
        return
    drifted = f"It differs from the catalog in {state.difference_count} places."
    failing = f"It is not kept in sync: {state.message}"
    is_failing = state.status == ProxyState.Status.FAILING
    yield Fact("LiteLLM proxy", failing if is_failing else drifted, link_to(request, ProxyState))


def _about_prices(request: HttpRequest) -> Iterator[Fact]:
    unpriced = list(LLMModel.objects.unpriced().values_list("name", flat=True)[:6])
    if unpriced:
        names = ", ".join(unpriced[:5]) + (", …" if len(unpriced) > 5 else "")
        text = f"Models on provider keys that can't be called, for they have no price: {names}."
        yield Fact("Prices", text, link_to(request, LLMModel, priced="no"))


def _about_secrets(request: HttpRequest) -> Iterator[Fact]:
    """Of a bounded number of keys: a ring that lost its key reads none of them."""
    servers = AIServer.objects.enabled().filter(api_key__isnull=False).with_secret().order_by("-pk")
    keys = ProviderKey.objects.enabled().filter(encrypted_key__isnull=False).with_secret().order_by("-pk")
    sealed: Iterable[tuple[AIServer | ProviderKey, Secret | None]] = [
        *((server, server.api_key) for server in servers[:_MOST_SECRETS]),
        *((key, key.encrypted_key) for key in keys[:_MOST_SECRETS]),
    ]
    unreadable = [str(owner) for owner, secret in sealed if secret and not secrets.is_readable(secret, owner=owner)]
    if unreadable:
        text = f"BYOK_ENCRYPTION_KEY doesn't decrypt the stored API keys of {', '.join(unreadable[:5])}."
        yield Fact("Key ring", text, link_to(request, ProviderKey))


def _about_rotation(request: HttpRequest) -> Iterator[Fact]:
    """Bounded: the first few by name, the rest by the list."""
    now, keys = timezone.now(), ProviderKey.objects.platform()
    for key in keys.filter(staged_key__isnull=False).exclude(activation_refusal="").order_by("activates_at")[:5]:
        text = (
            f"The staged key of {key} was to be in use by {key.activates_at:%Y-%m-%d %H:%M}: {key.activation_refusal}"
        )
        yield Fact("Staged key", text, link_to(request, ProviderKey, rotation="staged"))
    due = list(keys.due_for_rotation(now).order_by("rotation_due_at")[:6])
    if due:
        names = ", ".join(map(str, due[:5])) + (", …" if len(due) > 5 else "")
        yield Fact(
            "Rotation",
            f"Provider keys that are due for rotation: {names}.",
            link_to(request, ProviderKey, rotation="due"),
        )


def _about_audit(request: HttpRequest) -> Iterator[Fact]:
    head = AuditHead.objects.filter(problems__gt=0).first()
    if head:
        text = f"The last check found problems ({head.problems}): manage.py verify_audit names them."
        yield Fact("Audit log", text, link_to(request, AuditEntry))


def _about_margin(request: HttpRequest) -> Iterator[Fact]:
    """By the rates as they are, and by what was earned in the last seven days; bounded."""
    if not may_view(request, UsageStat):
        return
    page = reverse("admin:gateway_usagestat_margin")
    if found := below_cost():
        others = f" Likewise: {', '.join(one.slug for one in found[1:])}." if found[1:] else ""
        yield Fact("Below cost", found[0].text + others, page)
    today = timezone.now().date()
    for margin in report.worst(first=today - timedelta(days=6), last=today, most=_MOST_LOSSES):
        day, model, tier = margin.of
        earned = f"consumers paid ${margin.paid_usd:.2f} for what providers charge ${margin.cost_usd:.2f} for"
        yield Fact("Loss", f"{day}, {model or 'unknown model'}, tier {tier or 'unknown'}: {earned}.", page)


def _about_stripe(request: HttpRequest) -> Iterator[Fact]:
    if may_view(request, StripeEvent):
        for late in overdue.found():
            yield Fact("Stripe", late.text, link_to(request, late.model, state__exact=late.state))
