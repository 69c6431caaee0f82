"""What operators alone see: consumers may read which providers there are and how they are, not where they are."""

from typing import Any, ClassVar

from rest_framework import serializers

from opscenter.core.api import Permissions

_OPERATE = (Permissions.CONFIGURE, Permissions.MANAGE_PROVIDERS, Permissions.MANAGE_MODELS)


class PartlyForOperators(serializers.ModelSerializer[Any]):
    """`for_operators` names fields that are null for everybody else, and for whoever asks without a request."""

    for_operators: ClassVar[tuple[str, ...]]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown if self._asked_by_an_operator() else {**shown, **dict.fromkeys(self.for_operators)}

    def _asked_by_an_operator(self) -> bool:
        request = self.context.get("request")
        return request is not None and any(request.user.has_perm(permission) for permission in _OPERATE)
