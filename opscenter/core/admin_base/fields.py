"""Form fields that the admin needs beyond Django's."""

from typing import Any

from django import forms

from opscenter.core import secrets
from opscenter.core.admin_base.unfolded import PasswordInput, TextInput


class WordsField(forms.CharField):
    """A JSON list of strings, typed with commas between them; without any it is `empty`."""

    widget = TextInput

    def __init__(self, *, empty: Any = None, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.empty = empty

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        words = [word.strip() for word in str(value or "").split(",")]
        return list(dict.fromkeys(filter(None, words))) or (list(self.empty) if self.empty is not None else None)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.clean(self.prepare_value(initial)) != self.clean(data))


class SecretField(forms.CharField):
    """Write-only: never rendered, not even what was typed a moment ago."""

    def __init__(self, *, required: bool = False, **kwargs: Any) -> None:
        widget = PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}, render_value=False)
        validators = [secrets.validate_sendable]
        super().__init__(required=required, widget=widget, max_length=4000, validators=validators, **kwargs)

    def keep(self, masked: str | None) -> None:
        """Say what an empty field means for a row whose stored secret looks like `masked`."""
        self.help_text = f"Leave empty to keep {masked}." if masked else "None is stored."
        self.required = False
