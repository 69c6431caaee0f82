"""Requests as receipts: what was asked, who answered, what was held and charged, at which rates. Read-only."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from credits import amounts
from credits.admin.holds import rates_panels
from credits.models import Account
from gateway.admin.bills import Billed, bill_panels
from gateway.admin.filters import OutcomeFilter, SinceFilter
from gateway.models import AttemptRow, RequestRow, VirtualKey
from gateway.models.virtual_key import PREFIXES
from gateway.stored_receipts import parts_of
from opscenter.core.admin_base import LargeTable, Panel, ReadOnlyModelAdmin, display, linked, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions
from opscenter.core.models import User
from opscenter.core.usernames import with_username

_IN_PARTS = "in its calls"
STATUS_LABELS = {
    "Succeeded": "success",
    "Failed": "danger",
    "Refused": "warning",
    "Client went away": "warning",
    "Worker died": "danger",
}


@register(RequestRow)
class RequestRowAdmin(Billed, LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": ("gateway.view_requestrow", Permissions.CONFIGURE)}
    when_empty = "Every call leaves a row here a moment after it ended. The first one needs a virtual key."
    list_display = (
        "created_at",
        "who",
        "requested_model",
        "model",
        "status_label",
        "tokens",
        "charged",
        "attempts",
        "duration_ms",
    )
    list_filter = (SinceFilter, OutcomeFilter)
    search_fields = ("id",)
    search_help_text = "Request id, user name, or a key's visible part"
    fieldsets = (
        (None, {"fields": ("id", "created_at", "who", "key_link", "account_link", "client_request_id")}),
        (
            "Asked",
            {"fields": (("endpoint", "streamed"), ("requested_model", "environment"), ("component", "operation"))},
        ),
        ("Outcome", {"fields": (("status_label", "http_status", "error_code"), ("model", "provider", "attempts"))}),
        (
            "Tokens",
            {"fields": (("prompt_tokens", "completion_tokens"), ("cached_tokens", "cache_write_tokens"), "searches")},
        ),
        ("Bill", {"fields": (("held", "charged", "overrun"), ("billing_basis", "verdict"), "why")}),
        ("Time", {"fields": (("duration_ms", "first_token_ms", "overhead_ms"),)}),
    )
    readonly_fields = (
        "who",
        "key_link",
        "account_link",
        "status_label",
        "held",
        "charged",
        "overrun",
        "verdict",
        "why",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[RequestRow]:
        return with_username(super().get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With its key and account, which templates ask for more than once."""
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.key = VirtualKey.objects.filter(pk=row.virtual_key_id or 0).first()
            row.account = Account.objects.filter(pk=row.account_id or 0).first()
        return row

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RequestRow], search_term: str
    ) -> tuple[QuerySet[RequestRow], bool]:
        term = search_term.strip()
        return (queryset.filter(_meant(term)) if term else queryset), False

    def panels(self, request: HttpRequest, row: RequestRow) -> Iterable[Panel]:
        return [*_relatives(row), _attempts(row), *bill_panels(row), *rates_panels(row.rates)]

    @display(description="User")
    def who(self, row: Any) -> str:
        return row.username or (f"user {row.user_id}" if row.user_id else "–")

    @display(description="Key")
    def key_link(self, row: Any) -> str:
        return linked(VirtualKey, row.key.pk, row.key) if row.key else "–"

    @display(description="Account")
    def account_link(self, row: Any) -> str:
        return linked(Account, row.account.pk, row.account) if row.account else "–"

    @display(description="Status", label=STATUS_LABELS)
    def status_label(self, row: RequestRow) -> str:
        return row.get_status_display()

    @display(description="Tokens in / out")
    def tokens(self, row: RequestRow) -> str:
        return _IN_PARTS if row.is_borne_by_parts else f"{row.prompt_tokens} / {row.completion_tokens}"

    @display(description="Held (credits)")
    def held(self, row: RequestRow) -> str:
        return amounts.to_text(row.held_nano)

    @display(description="Charged (credits)")
    def charged(self, row: RequestRow) -> str:
        return _IN_PARTS if row.is_borne_by_parts and not row.charged_nano else amounts.to_text(row.charged_nano)


def _meant(term: str) -> Q:
    """What a search term means; each meaning has its index."""
    try:
        return Q(pk=UUID(term))
    except ValueError:
        pass
    public_id = term.removesuffix("…").split("_")[0]
    for prefix in PREFIXES.values():
        public_id = public_id.removeprefix(prefix)
    key = VirtualKey.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if key is not None:
        return Q(virtual_key_id=key)
    user = User.objects.filter(username=term).values_list("pk", flat=True).first()
    return Q(user_id=user) if user is not None else Q(pk__in=[])


def _relatives(row: RequestRow) -> Iterator[Panel]:
    """Of a composed call its inner calls, of these the whole."""
    if row.parent_id is not None:
        yield Panel("Part of", ("Request",), [(linked(RequestRow, row.parent_id),)])
    elif parts := parts_of(row):
        headers = ("Call", "Component", "Operation", "Model", "Status", "Tokens in / out", "Charged (credits)", "Took")
        rows = [
            (
                linked(RequestRow, part.pk),
                part.component,
                part.operation,
                part.model,
                part.get_status_display(),
                f"{part.prompt_tokens} / {part.completion_tokens}",
                amounts.to_text(part.charged_nano),
                f"{part.duration_ms} ms",
            )
            for part in parts
        ]
        yield Panel("Inner calls", headers, rows)


def _attempts(row: RequestRow) -> Panel:
    rows = [
        (
            attempt.n,
            linked(AttemptRow, attempt.pk, attempt.target),
            attempt.model,
            attempt.provider,
            attempt.outcome,
            attempt.upstream_status or "–",
            f"{attempt.prompt_tokens} / {attempt.completion_tokens}",
            attempt.get_usage_source_display(),
            f"{attempt.duration_ms} ms",
        )
        for attempt in AttemptRow.objects.filter(request_id=row.pk).order_by("n")
    ]
    headers = ("No.", "Target", "Model", "Provider", "Outcome", "Status", "Tokens in / out", "Usage from", "Took")
    return Panel("Attempts", headers, rows)
