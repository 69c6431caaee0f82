"""Groups: superusers alone change what their members may do. core.signals audits it."""

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from opscenter.core.admin_base.access import Access, DeclaredAccess
from opscenter.core.admin_base.audited import HistoryIsTheAuditLog
from opscenter.core.admin_base.unfolded import ModelAdmin, register

admin.site.unregister(Group)


@register(Group)
class RolesAdmin(DeclaredAccess, HistoryIsTheAuditLog, GroupAdmin, ModelAdmin):
    audited_as = "groups"
    access: ClassVar[Access] = {
        "view": ("auth.view_group",),
        "add": ("auth.add_group",),
        "change": ("auth.change_group",),
        "delete": ("auth.delete_group",),
    }

    def allows(self, request: HttpRequest, kind: str) -> bool:
        is_superuser = bool(getattr(request.user, "is_superuser", False))
        return super().allows(request, kind) and (kind == "view" or is_superuser)
