"""What every app's admin pages are built on: declared access, audited writes, POST buttons, read-only pages."""

from opscenter.core.admin_base.audited import AuditedForm, AuditedModelAdmin
from opscenter.core.admin_base.buttons import Button, Said, Warned
from opscenter.core.admin_base.chosen import Chosen, ChosenForm
from opscenter.core.admin_base.front_page import on_front_page
from opscenter.core.admin_base.notices import on_pages_of
from opscenter.core.admin_base.panels import Panel, linked, list_of
from opscenter.core.admin_base.readonly import LargeTable, ReadOnlyInline, ReadOnlyModelAdmin
from opscenter.core.admin_base.unfolded import display, register

__all__ = [
    "AuditedForm",
    "AuditedModelAdmin",
    "Button",
    "Chosen",
    "ChosenForm",
    "LargeTable",
    "Panel",
    "ReadOnlyInline",
    "ReadOnlyModelAdmin",
    "Said",
    "Warned",
    "display",
    "linked",
    "list_of",
    "on_front_page",
    "on_pages_of",
    "register",
]
