"""Revoking many keys from their list, after a page that says which."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import action
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.models import VirtualKey
from gateway.services import keys
from opscenter.core.admin_base.unfolded import Page

MOST_AT_ONCE = 1000
_MOST_NAMED = 50


class RevokesMany(Page):
    """Mixed into the page of keys."""

    actions = ("revoke_selected",)

    @action(description="Revoke the selected keys …", permissions=("change",))
    def revoke_selected(self, request: HttpRequest, chosen: QuerySet[VirtualKey]) -> HttpResponse | None:
        ids = list(chosen.filter(revoked_at__isnull=True).values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if not ids:
            self.message_user(request, "All of these are revoked already.", messages.WARNING)
        elif len(ids) > MOST_AT_ONCE:
            self.message_user(request, f"{MOST_AT_ONCE} keys at once are the most: select fewer.", messages.ERROR)
        elif request.POST.get("confirmed") != "yes":
            return self._asked(request, ids)
        else:
            count = keys.revoke_all(ids)
            self.message_user(request, f"Revoked: {count}, with those that were made under the selected keys.")
        return None

    def _asked(self, request: HttpRequest, ids: list[int]) -> HttpResponse:
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Revoke keys",
            "opts": self.opts,
            "ids": ids,
            "checkbox": ACTION_CHECKBOX_NAME,
            "named": VirtualKey.objects.select_related("user").filter(pk__in=ids[:_MOST_NAMED]),
            "further": max(0, len(ids) - _MOST_NAMED),
        }
        return render(request, "admin/revoke_keys.html", context)
