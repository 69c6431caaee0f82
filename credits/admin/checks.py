"""Checks of the ledger and what they found. Read-only; a button asks for another."""

from typing import ClassVar

from django.http import HttpRequest

from credits.admin.access import readers
from credits.models import LedgerCheck
from credits.services import ledger_checks
from opscenter.core.admin_base import (
    Button,
    Panel,
    ReadOnlyModelAdmin,
    Said,
    Warned,
    display,
    register,
)
from opscenter.core.admin_base.access import Access

_NO_WORKER = "No worker has been seen lately: the check waits until one runs (make worker)."


@register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": readers("account")["view"]}
    when_empty = "The worker checks the ledger every night; the button does it now."
    list_display = ("asked_at", "outcome_label", "finished_at", "asked_by")
    sortable_by = ()
    fields = ("asked_at", "asked_by", "finished_at", "outcome_label")
    readonly_fields = ("outcome_label",)
    list_buttons = (Button("check-ledger", "Check ledger", run="check_ledger", needs=readers("account")["view"]),)

    def check_ledger(self, request: HttpRequest) -> Said:
        ledger_checks.ask()
        asked = "The worker was asked to check the ledger: its outcome shows here."
        return Said(asked) if ledger_checks.worker_is_alive() else Warned(f"{asked} {_NO_WORKER}")

    def panels(self, request: HttpRequest, row: LedgerCheck) -> list[Panel]:
        return [Panel("Problems", ("What is wrong",), [(finding,) for finding in row.findings])] if row.findings else []

    @display(description="Outcome", label={"waiting": "info", "0 problems": "success", "wrong": "danger"})
    def outcome_label(self, check: LedgerCheck) -> tuple[str, str]:
        return ("wrong" if check.problems else check.outcome), check.outcome
