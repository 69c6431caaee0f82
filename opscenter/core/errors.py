"""What can go wrong, as an API consumer sees it.

ServiceError
├── BadRequest          400
├── Unauthenticated     401
├── PaymentRequired     402
├── Forbidden           403
├── NotFound            404
├── RequestTimeout      408
├── Conflict            409
├── Gone                410
├── PreconditionFailed  412
├── PayloadTooLarge     413
├── Unprocessable       422
├── TooManyRequests     429
├── BadGateway          502
├── Unavailable         503
└── GatewayTimeout      504

Apps derive their own from these. The classes and codes are those of OpenAI's API, so that its SDKs raise what
their users expect; the edge alone turns an error into a response.
"""

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """An error that a caller may see. `message` is safe to show and says what to do."""

    status = 500
    type = "server_error"
    default_code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.details = dict(details) if details else None
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The envelope of every error: {"error": {"message", "type", "code", "param", "details"}}."""
        return envelope(self.message, type=self.type, code=self.code, param=self.param, details=self.details)


def envelope(
    message: str,
    *,
    type: str,
    code: str | None = None,
    param: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "error": {
            "message": message,
            "type": type,
            "code": code,
            "param": param,
            "details": dict(details) if details else None,
        }
    }


class BadRequest(ServiceError):
    status = 400
    type = "invalid_request_error"


class Unauthenticated(ServiceError):
    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class PaymentRequired(ServiceError):
    status = 402
    type = "insufficient_quota"
    default_code = "insufficient_credits"


class Forbidden(ServiceError):
    status = 403
    type = "permission_error"
    default_code = "permission_denied"


class NotFound(ServiceError):
    status = 404
    type = "invalid_request_error"
    default_code = "not_found"


class RequestTimeout(ServiceError):
    status = 408
    type = "timeout_error"
    default_code = "request_timeout"


class Conflict(ServiceError):
    status = 409
    type = "conflict_error"
    default_code = "conflict"


class Gone(ServiceError):
    status = 410
    type = "invalid_request_error"
    default_code = "gone"


class PreconditionFailed(ServiceError):
    """`current` is the ETag of what is stored now, None where there is nothing."""

    status = 412
    type = "invalid_request_error"
    default_code = "precondition_failed"

    def __init__(self, *, current: str | None) -> None:
        super().__init__(
            "This is not what If-Match names any more: somebody else changed it. Read it again, and then change it.",
            details={"etag": current},
        )


class PayloadTooLarge(ServiceError):
    status = 413
    type = "invalid_request_error"
    default_code = "payload_too_large"


class Unprocessable(ServiceError):
    status = 422
    type = "invalid_request_error"
    default_code = "invalid"


class TooManyRequests(ServiceError):
    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"


class BadGateway(ServiceError):
    status = 502
    type = "upstream_error"
    default_code = "upstream_error"


class Unavailable(ServiceError):
    status = 503
    type = "service_unavailable_error"
    default_code = "unavailable"


class GatewayTimeout(ServiceError):
    status = 504
    type = "timeout_error"
    default_code = "upstream_timeout"
