"""The admin's sidebar: what each person may see, in groups."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

# Label, icon, app and model; after a slash, another page of the model's than its list.
_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        "Providers",
        (
            ("AI servers", "dns", "llm", "aiserver"),
            ("Provider keys", "key", "llm", "providerkey"),
            ("Consumers' own keys", "vpn_key", "llm", "consumerkey"),
            ("Active providers", "bolt", "llm", "activeprovider"),
            ("Health", "monitor_heart", "llm", "providerhealth"),
            ("Changes of state", "timeline", "llm", "healthchange"),
            ("LiteLLM proxy", "sync", "llm", "proxystate"),
        ),
    ),
    (
        "Catalog",
        (
            ("Models", "category", "llm", "llmmodel"),
            ("Deployments", "hub", "llm", "deployment"),
            ("Prices", "sell", "llm", "price"),
        ),
    ),
    (
        "Credits",
        (
            ("Accounts", "account_balance_wallet", "credits", "account"),
            ("Margin", "trending_up", "gateway", "usagestat/margin"),
            ("Adjustments", "approval", "credits", "manualadjustment"),
            ("Journals", "menu_book", "credits", "journal"),
            ("Entries", "receipt_long", "credits", "entry"),
            ("Holds", "hourglass_top", "credits", "hold"),
            ("Lots", "event_busy", "credits", "lot"),
            ("Ledger checks", "verified", "credits", "ledgercheck"),
            ("Budgets", "savings", "credits", "budget"),
            ("Low balances", "battery_alert", "credits", "lowbalance"),
            ("Alert rules", "rule", "credits", "alertrules"),
            ("Plans", "loyalty", "credits", "plan"),
            ("Packages", "shopping_bag", "credits", "package"),
            ("Tiers", "stairs", "credits", "tier"),
            ("Power levels", "speed", "credits", "powerlevel"),
            ("Versions of rates", "manage_history", "credits", "rateversion"),
        ),
    ),
    (
        "Sales",
        (
            ("Purchases", "shopping_cart", "credits", "purchase"),
            ("Refunds & disputes", "assignment_return", "credits", "reversal"),
            ("Stripe's events", "webhook", "credits", "stripeevent"),
            ("Comparisons with Stripe", "balance", "credits", "stripereconciliation"),
        ),
    ),
    (
        "Gateway",
        (
            ("Virtual keys", "vpn_key", "gateway", "virtualkey"),
            ("Workflows", "account_tree", "gateway", "workflow"),
            ("Requests", "swap_vert", "gateway", "requestrow"),
            ("Attempts", "alt_route", "gateway", "attemptrow"),
            ("Usage per day", "calendar_month", "gateway", "usagestat"),
        ),
    ),
    (
        "People & audit",
        (
            ("Users", "person", "core", "user"),
            ("Groups", "group", "auth", "group"),
            ("Alerts", "notifications", "core", "alert"),
            ("Failed sign-ins", "lock", "core", "failedsignin"),
            ("Audit log", "history", "core", "auditentry"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """For unfold: groups of links to the pages that `request` may open; a group without any is left out."""
    pages = {page.opts.label_lower: page for page in admin.site._registry.values()}
    groups = []
    for title, entries in _GROUPS:
        items = [
            {"title": label, "icon": icon, "link": _link(app, model)}
            for label, icon, app, model in entries
            if pages[f"{app}.{model.partition('/')[0]}"].has_view_permission(request)
        ]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def _link(app: str, model: str) -> str:
    name, _, page = model.partition("/")
    return reverse(f"admin:{app}_{name}_{page or 'changelist'}")
