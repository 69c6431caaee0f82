"""What is asked before a virtual key is rotated."""

from typing import Any

from django import forms
from django.conf import settings

from gateway.models import VirtualKey
from gateway.services.key_rotation import LONGEST_GRACE_S
from opscenter.core.admin_base.unfolded import TextInput


class RotateForm(forms.Form):
    grace_hours = forms.FloatField(
        label="Hours that the former secret goes on working",
        min_value=0,
        max_value=LONGEST_GRACE_S / 3600,
        widget=TextInput,
        help_text="0, for one that has leaked, ends every former secret of this key at once.",
    )

    def __init__(self, row: VirtualKey, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["grace_hours"].initial = f"{settings.VIRTUAL_KEY_GRACE_S / 3600:g}"
