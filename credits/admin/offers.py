"""Plans and packages: what is given, and what is for sale. Out of use they are switched off, never deleted."""

from decimal import Decimal
from typing import Any, ClassVar

from django.http import HttpRequest

from credits import amounts
from credits.admin.nano_field import NanoField
from credits.models import Package, Plan
from credits.services import plans
from opscenter.core import changes
from opscenter.core.admin_base import AuditedForm, AuditedModelAdmin, display, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions

_WHOLE = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
_IN_THOUSANDTHS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
"""Currencies that Stripe counts by no hundredth part."""


class PlanForm(AuditedForm):
    credits_nano = NanoField(label="Credits", help_text="Per period, such as 10000. Counts from the next period on.")


class PackageForm(AuditedForm):
    credits_nano = NanoField(label="Credits", help_text="Such as 5000.")


@register(Plan)
class PlanAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = {
        "view": ("credits.view_plan", Permissions.CONFIGURE),
        "add": ("credits.add_plan",),
        "change": ("credits.change_plan",),
    }
    form = PlanForm
    when_empty = "A plan decides an account's tier and grants it credits."
    list_display = ("name", "slug", "tier", "credits", "period", "lasts_months", "for_new_wallets", "active")
    fields = (
        ("name", "slug"),
        "tier",
        ("credits_nano", "period", "lasts_months"),
        ("for_new_wallets", "active"),
        "version",
        "updated_at",
    )
    readonly_fields = ("version", "updated_at")

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Plan:
        plan = Plan(**values)
        plans.revise(plan)
        return plan

    def update(self, request: HttpRequest, row: Plan, values: dict[str, Any]) -> Plan:
        plan = Plan.objects.get(pk=row.pk)
        for name, value in values.items():
            setattr(plan, name, value)
        plans.revise(plan)
        return plan

    @display(description="Credits", ordering="credits_nano")
    def credits(self, plan: Plan) -> str:
        return amounts.to_text(plan.credits_nano)


@register(Package)
class PackageAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = {
        "view": ("credits.view_package", Permissions.CONFIGURE),
        "add": ("credits.add_package",),
        "change": ("credits.change_package",),
    }
    form = PackageForm
    when_empty = "What people may buy, where purchases are switched on."
    list_display = ("name", "slug", "credits", "price", "active", "version")
    fields = (("name", "slug"), "credits_nano", ("price_minor", "currency"), "active", "version", "updated_at")
    readonly_fields = ("version", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Package | None = None) -> tuple[str, ...]:
        """A payment that is under way names the package by its slug, and is granted by that."""
        return ("slug", *self.readonly_fields) if obj else self.readonly_fields

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Package:
        package = Package(**values)
        changes.save(package, announce=False)
        return package

    @display(description="Credits", ordering="credits_nano")
    def credits(self, package: Package) -> str:
        return amounts.to_text(package.credits_nano)

    @display(description="Price", ordering="price_minor")
    def price(self, package: Package) -> str:
        """In the currency's own unit."""
        places = 0 if package.currency in _WHOLE else 3 if package.currency in _IN_THOUSANDTHS else 2
        return f"{Decimal(package.price_minor).scaleb(-places):.{places}f} {package.currency.upper()}"
