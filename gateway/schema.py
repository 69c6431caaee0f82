"""How the API schema names what calls are authenticated by."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

_Scheme = dict[str, Any]
_BEARER: _Scheme = {"type": "http", "scheme": "bearer", "description": "A virtual key (sk-ops-…) or an access token."}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registering metaclass
    target_class = "gateway.authentication.TokenAuthentication"
    name = "managementBearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> _Scheme:
        return _BEARER


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    """Either of the two."""

    target_class = "gateway.authentication.CallerAuthentication"
    name = ["bearer", "session"]  # noqa: RUF012 - as its base has it

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[_Scheme]:
        session = {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A session of this site. All but GET send the cookie csrftoken as X-CSRFToken, too.",
        }
        return [_BEARER, session]
