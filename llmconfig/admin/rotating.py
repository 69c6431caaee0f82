"""The buttons that move a provider key from one version to the next, and the list of its versions."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from llmconfig.admin.testing import said
from llmconfig.models import ProviderKey
from llmconfig.services import rotation
from llmconfig.services.rotation import Tried
from opscenter.core import secret_versions, secrets
from opscenter.core.admin_base import Button, Panel, Said
from opscenter.core.admin_base.fields import SecretField
from opscenter.core.admin_base.unfolded import Select, TextInput
from opscenter.core.api import Permissions
from opscenter.core.models import Secret
from opscenter.core.models.user import User

_MOST = 50
_NOW, _STAGED, _AT = "now", "staged", "at"
_FORCED = "Also if the provider refuses it or gives no answer"


class RotateForm(forms.Form):
    api_key = SecretField(label="New API key", required=True)
    when = forms.ChoiceField(
        label="Use it",
        widget=Select,
        choices=((_NOW, "At once"), (_STAGED, "When it is activated here"), (_AT, "From the time below")),
    )
    activates_at = forms.DateTimeField(
        label="From", required=False, widget=TextInput, help_text="UTC, such as 2026-12-31 06:00."
    )
    force = forms.BooleanField(label=_FORCED, required=False)

    def __init__(self, key: ProviderKey, data: Any = None) -> None:
        super().__init__(data)
        self.fields["api_key"].help_text = (
            f"It is tried at {key.known_provider.name} first. The former is kept for {key.grace_days} days; leave it "
            "valid at the provider for a minute at least, for calls that have begun."
        )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        moment = values.get("activates_at")
        if values.get("when") == _AT and "activates_at" not in self.errors and (not moment or moment <= timezone.now()):
            self.add_error("activates_at", "A time that is to come.")
        return values


class UseStagedForm(forms.Form):
    force = forms.BooleanField(label=_FORCED, required=False)

    def __init__(self, key: ProviderKey, data: Any = None) -> None:
        super().__init__(data)


class _VersionForm(forms.Form):
    """Of the versions in `states`."""

    number = forms.TypedChoiceField(label="Version", coerce=int, widget=Select)
    states: tuple[str, ...] = ()

    def __init__(self, key: ProviderKey, data: Any = None) -> None:
        super().__init__(data)
        found = secret_versions.versions_of(key).filter(state__in=self.states)[:_MOST]
        self.fields["number"].choices = [(one.number, _named(one)) for one in found]  # type: ignore[attr-defined]


class RevertForm(_VersionForm):
    force = forms.BooleanField(label=_FORCED, required=False)
    states = (Secret.State.RETIRED,)


class RevokeForm(_VersionForm):
    states = secret_versions.REVOCABLE


class Rotating:
    """Mixed into the page of provider keys."""

    def rotate(self, request: HttpRequest, key: ProviderKey, wanted: dict[str, Any]) -> Said:
        new = {"key": key, "api_key": wanted["api_key"], "force": wanted["force"]}
        if wanted["when"] == _NOW:
            return _told(rotation.rotate(**new))
        moment = wanted["activates_at"] if wanted["when"] == _AT else None
        tried = rotation.stage(**new, activates_at=moment)
        assert tried.key.staged_key
        then = f"It goes into use on {moment:%Y-%m-%d at %H:%M} UTC." if moment else "It waits to be activated."
        return _said(f"{tried.key.staged_key.label} is staged. {then}", tried)

    def activate_staged(self, request: HttpRequest, key: ProviderKey, wanted: dict[str, Any]) -> Said:
        assert key.staged_key
        return _told(rotation.activate(key=key, number=key.staged_key.number, force=wanted["force"]))

    def revert(self, request: HttpRequest, key: ProviderKey, wanted: dict[str, Any]) -> Said:
        return _told(rotation.revert(key=key, number=wanted["number"], force=wanted["force"]))

    def revoke_version(self, request: HttpRequest, key: ProviderKey, wanted: dict[str, Any]) -> Said:
        rotation.revoke(key=key, number=wanted["number"])
        return Said(f"Version {wanted['number']} is erased here. Delete it at the provider too.")


def versions_panel(key: ProviderKey) -> Panel:
    versions = list(secret_versions.versions_of(key)[:_MOST])
    makers = {version.created_by_id for version in versions if version.created_by_id}
    names: dict[int | None, str] = dict(User.objects.filter(pk__in=makers).values_list("pk", "username"))
    rows = [
        (
            version.number,
            version.masked,
            _state(key, version),
            decrypts(version, key) if version.state != Secret.State.REVOKED else "erased",
            f"{_time(version.created_at)} by {names.get(version.created_by_id, 'the system')}",
            _time(version.activated_at),
            _time(version.retired_at),
        )
        for version in versions
    ]
    return Panel("Versions", ("Version", "Key", "State", "Decrypts", "Made", "In use since", "Retired"), rows)


def decrypts(secret: Secret | None, owner: Any) -> str:
    """ "yes" or "no", or "" where there is nothing to decrypt."""
    if secret is None:
        return ""
    return "yes" if secrets.is_readable(secret, owner=owner) else "no"


def shown_key(secret: Secret | None, owner: Any) -> str | None:
    """For lists, where a column more for every row would be a burden."""
    if secret is None:
        return None
    return secret.masked if secrets.is_readable(secret, owner=owner) else f"{secret.masked} (decrypts: no)"


DECRYPTS_LABELS = {"yes": "success", "no": "danger"}


def _told(tried: Tried) -> Said:
    assert tried.key.encrypted_key
    return _said(f"{tried.key.encrypted_key.label} is in use now.", tried)


def _said(text: str, tried: Tried) -> Said:
    found = said(tried.probe)
    return Said(f"{text} {found.text}", found.level)


def _state(key: ProviderKey, version: Secret) -> str:
    state = version.get_state_display()
    if version.pk == key.staged_key_id and key.activates_at:
        refusal = f", refused: {key.activation_refusal}" if key.activation_refusal else ""
        return f"{state}, from {_time(key.activates_at)}{refusal}"
    return f"{state}, kept until {_time(version.kept_until)}" if version.kept_until else str(state)


def _named(version: Secret) -> str:
    return f"{version.label}, {version.get_state_display().lower()}, made {_time(version.created_at)}"


def _time(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "–"


def _has(*states: str) -> Any:
    def shown(key: ProviderKey) -> bool:
        return secret_versions.versions_of(key).filter(state__in=states).exists()

    return shown


_NEEDS = (Permissions.MANAGE_PROVIDERS,)
ROTATING = (
    Button(
        name="rotate",
        label="Rotate …",
        run="rotate",
        needs=_NEEDS,
        form=RotateForm,
        shown=lambda key: key.staged_key_id is None,
    ),
    Button(
        name="activate",
        label="Activate the staged key …",
        run="activate_staged",
        needs=_NEEDS,
        form=UseStagedForm,
        shown=lambda key: key.staged_key_id is not None,
    ),
    Button(
        name="revert",
        label="Revert …",
        run="revert",
        needs=_NEEDS,
        form=RevertForm,
        shown=_has(Secret.State.RETIRED),
    ),
    Button(
        name="revoke-version",
        label="Revoke a version …",
        run="revoke_version",
        needs=_NEEDS,
        question="It is erased for good: nobody can revert to it.",
        form=RevokeForm,
        shown=_has(*secret_versions.REVOCABLE),
        dangerous=True,
    ),
)
