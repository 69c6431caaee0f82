"""Amounts that are kept as nanocredits, typed as the credits that they are."""

from typing import Any

from django import forms

from credits import amounts
from credits.errors import AmountInvalid
from opscenter.core.admin_base.unfolded import TextInput


class NanoField(forms.CharField):
    """A decimal number of credits on the page, an integer of nanocredits behind it."""

    widget = TextInput

    def prepare_value(self, value: Any) -> Any:
        return amounts.to_text(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        try:
            return amounts.to_nano(super().to_python(value) or "")
        except AmountInvalid as error:
            raise forms.ValidationError(error.message) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True
