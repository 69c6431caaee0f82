"""Pages that only show: the ledger, requests, the audit log."""

from typing import Any, ClassVar, cast

from django.contrib.admin import ShowFacets
from django.db.models import QuerySet

from opscenter.core.admin_base.access import DeclaredAccess
from opscenter.core.admin_base.buttons import Buttons
from opscenter.core.admin_base.notices import Noticed
from opscenter.core.admin_base.panels import Panels
from opscenter.core.admin_base.unfolded import InfinitePaginator, ModelAdmin, TabularInline


class ReadOnlyModelAdmin(DeclaredAccess, Buttons, Panels, Noticed, ModelAdmin):
    """Only "view" may be declared: nobody adds, changes or deletes here, not even a superuser."""

    actions = None
    when_empty: ClassVar[str] = ""
    """What would fill the list, told where it is empty."""
    list_per_page = 50
    show_full_result_count = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if set(cls.access) - {"view"}:
            raise TypeError(f"{cls.__name__} is read-only: it can declare who may view, and no more.")


class KeysFirst(InfinitePaginator):
    """What a page joins is joined for its own rows alone, and not for all that are passed over before it."""

    def page(self, number: int | str) -> Any:
        rows = cast(QuerySet[Any], self.object_list)
        if not rows.query.select_related:
            return super().page(number)
        number = self.validate_number(number)
        last = number * self.per_page
        keys = list(rows.values_list("pk", flat=True)[last - self.per_page : last])
        return self._get_page(rows.filter(pk__in=keys), number, self)  # type: ignore[attr-defined]  # Django's hook


class LargeTable(ModelAdmin):
    """For tables of millions of rows: never counted, never sorted by what no index sorts."""

    paginator = KeysFirst
    show_full_result_count = False
    sortable_by = ()
    show_facets = ShowFacets.NEVER


class ReadOnlyInline(DeclaredAccess, TabularInline):
    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True
