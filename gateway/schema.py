"""How the API schema names our bearer keys."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registering metaclass
    target_class = "gateway.authentication.TokenAuthentication"
    name = "managementBearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A virtual key (sk-ops-…) or an access token."}


class CallerScheme(BearerScheme):  # type: ignore[no-untyped-call]  # as above
    target_class = "gateway.authentication.CallerAuthentication"
    name = "bearer"
