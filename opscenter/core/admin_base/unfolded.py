"""django-unfold's classes, for which Django's own stand in where types are checked: unfold brings no types."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.admin import register

if TYPE_CHECKING:
    from django.contrib import admin
    from django.core.paginator import Paginator
    from django.forms import CheckboxSelectMultiple, PasswordInput, Select, Textarea, TextInput
    from django.forms import ModelForm as DjangoModelForm

    ModelForm = DjangoModelForm[Any]
    Page = admin.ModelAdmin[Any]
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    StackedInline = admin.StackedInline[Any, Any]
    InfinitePaginator = Paginator[Any]
    Method = TypeVar("Method", bound=Callable[..., Any])

    def display(
        *,
        description: str | None = None,
        ordering: str | None = None,
        boolean: bool | None = None,
        empty_value: str | None = None,
        label: bool | Mapping[str, str] | None = None,
    ) -> Callable[[Method], Method]:
        """unfold's display: django's, with `label` for coloured words."""

else:
    from django.forms import ModelForm
    from unfold.admin import ModelAdmin, StackedInline, TabularInline
    from unfold.decorators import display
    from unfold.paginator import InfinitePaginator
    from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as CheckboxSelectMultiple
    from unfold.widgets import UnfoldAdminExpandableTextareaWidget as Textarea
    from unfold.widgets import UnfoldAdminPasswordWidget as PasswordInput
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

    Page = object
    """What is mixed into a ModelAdmin: it may ask for anything of one."""

__all__ = [
    "CheckboxSelectMultiple",
    "InfinitePaginator",
    "ModelAdmin",
    "ModelForm",
    "Page",
    "PasswordInput",
    "Select",
    "StackedInline",
    "TabularInline",
    "TextInput",
    "Textarea",
    "display",
    "register",
]
