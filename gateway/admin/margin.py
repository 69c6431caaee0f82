"""The margin's page: what was paid, what it cost and what is left, and what is sold below cost. Read-only."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse

from credits import amounts
from credits.permissions import READS_MONEY
from gateway.margin import report
from gateway.margin.asked import MarginQuery
from gateway.margin.below_cost import Bought, below_cost, what_credits_buy
from gateway.margin.report import GROUPS, Margin
from opscenter.core.admin_base import Panel, on_pages_of
from opscenter.core.admin_base.access import may

_MOST_GROUPS = 50
_MOST_FIGURES = 7
_HEADERS = ("Requests", "Tokens in / out", "Paid (credits)", "Paid (USD)", "Providers (USD)", "Margin (USD)", "Margin")
_EXPENSES = ("of it failed upstream (USD)", "Beyond the holds (USD)")
_CENT_OF_A_CENT = Decimal("0.0001")


@on_pages_of("credits.package", "credits.powerlevel", "credits.tier")
def sold_below_cost(request: HttpRequest) -> Iterable[str]:
    return (found.text for found in below_cost()) if may(request, *READS_MONEY) else ()


def margin_page(page: "ModelAdmin[Any]", request: HttpRequest) -> TemplateResponse:
    """A handful of queries on the sums, whatever is asked for."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    by = request.GET.get("group_by", "day,model,tier")
    given = {name: value for name, value in request.GET.items() if name in ("from", "to") and value}
    query = MarginQuery(data={**given, "group_by": by})
    context = {
        **page.admin_site.each_context(request),
        "title": "Margin",
        "opts": page.opts,
        "groups": GROUPS,
        "by": by,
        "warnings": [found.text for found in below_cost()],
    }
    if query.is_valid():
        context |= _shown(query.validated_data, _asked_page(request))
    else:
        context["errors"] = [f"{name}: {text}" for name, texts in query.errors.items() for text in texts]
    return TemplateResponse(request, "admin/margin.html", context)


def _shown(asked: dict[str, Any], page: int) -> dict[str, Any]:
    skipped = (page - 1) * _MOST_GROUPS
    groups = report.margins(**asked, most=_MOST_GROUPS + 1, skipped=skipped)
    goes_on = len(groups) > _MOST_GROUPS
    is_all = page == 1 and not goes_on
    total = report.together(groups) if is_all else report.total(first=asked["first"], last=asked["last"])
    titles = tuple(name.replace("_", " ").capitalize() for name in asked["group_by"])
    rows = [(*(str(value) or "–" for value in margin.of), *_cells(margin)) for margin in groups[:_MOST_GROUPS]]
    tables = [
        Panel("All together", (*_HEADERS, *_EXPENSES), [_cells(total)]),
        Panel("Margin", (*titles, *_HEADERS, *_EXPENSES), rows),
        _what_credits_buy(what_credits_buy()),
    ]
    turns = {"page": page, "previous": page - 1, "next": page + 1 if goes_on else 0}
    return {**asked, "panels": tables, **({} if is_all else turns)}


def _asked_page(request: HttpRequest) -> int:
    """The first, unless another is asked for in figures."""
    asked = request.GET.get("p", "")
    return max(1, int(asked)) if asked.isdecimal() and len(asked) < _MOST_FIGURES else 1


def _cells(margin: Margin) -> tuple[str, ...]:
    percent = "–" if margin.percent is None else f"{margin.percent} %"
    return (
        str(margin.requests),
        f"{margin.prompt_tokens} / {margin.completion_tokens}",
        amounts.to_text(margin.paid_nano),
        _usd(margin.paid_usd),
        _usd(margin.cost_usd),
        _usd(margin.margin_usd),
        f"{percent}, below cost" if margin.is_below_cost else percent,
        _usd(margin.expense_usd),
        _usd(margin.overrun_usd),
    )


def _what_credits_buy(bought: list[Bought]) -> Panel:
    tiers = list(bought[0].by_tier) if bought else []
    headers = ("Package", "USD per credit", *(f"tier {slug}" for slug in tiers), "at the lowest multiplier")
    rows = [
        (
            one.package.name,
            f"{one.price_usd_per_credit.normalize():f}",
            *(_usd(one.by_tier[slug]) for slug in tiers),
            _usd(one.at_worst) if one.at_worst.is_finite() else "without end",
        )
        for one in bought
    ]
    return Panel("What a dollar spent on a package buys of providers, in USD", headers, rows)


def _usd(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT_OF_A_CENT):f}"
