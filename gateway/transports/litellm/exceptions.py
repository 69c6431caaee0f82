"""What LiteLLM's exceptions mean where the bytes did not tell. Its messages hold URLs, so none is passed on."""

from collections.abc import Mapping

from gateway.transports.errors import (
    UpstreamBadRequest,
    UpstreamBroken,
    UpstreamCut,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamRateLimited,
    UpstreamRefusedKey,
    UpstreamServerError,
    UpstreamTimeout,
    UpstreamUnreachable,
)

# By class name, so that litellm need not be imported to know them; a subclass that is not named counts as its base.
MEANINGS: Mapping[str, type[UpstreamError]] = {
    "AuthenticationError": UpstreamRefusedKey,
    "PermissionDeniedError": UpstreamRefusedKey,
    "PaymentRequiredError": UpstreamRefusedKey,
    "NotFoundError": UpstreamModelMissing,
    "LiteLLMUnknownProvider": UpstreamModelMissing,
    "ModelNotMappedError": UpstreamModelMissing,
    "RateLimitError": UpstreamRateLimited,
    "BudgetExceededError": UpstreamRateLimited,
    "Timeout": UpstreamTimeout,
    "TimeoutError": UpstreamTimeout,
    "TimeoutException": UpstreamTimeout,
    "BadRequestError": UpstreamBadRequest,
    "UnprocessableEntityError": UpstreamBadRequest,
    "UnsupportedParamsError": UpstreamBadRequest,
    "ContextWindowExceededError": UpstreamBadRequest,
    "ContentPolicyViolationError": UpstreamBadRequest,
    "RejectedRequestError": UpstreamBadRequest,
    "ImageFetchError": UpstreamBadRequest,
    "InvalidRequestError": UpstreamBadRequest,
    "VectorStoreSearchError": UpstreamBadRequest,
    "GuardrailRaisedException": UpstreamBadRequest,
    "BlockedPiiEntityError": UpstreamBadRequest,
    "ModifyResponseException": UpstreamBadRequest,
    "SensitiveDataRouteException": UpstreamBadRequest,
    "InternalServerError": UpstreamServerError,
    "ServiceUnavailableError": UpstreamServerError,
    "BadGatewayError": UpstreamServerError,
    "MidStreamFallbackError": UpstreamServerError,
    "MockException": UpstreamServerError,
    "APIError": UpstreamServerError,
    "OpenAIError": UpstreamServerError,
    "APIConnectionError": UpstreamUnreachable,
    "ConnectError": UpstreamUnreachable,
    "APIResponseValidationError": UpstreamBroken,
    "JSONSchemaValidationError": UpstreamBroken,
    "ReadError": UpstreamCut,
    "RemoteProtocolError": UpstreamCut,
}
_REASONS: Mapping[str, str] = {
    "UnsupportedParamsError": "The provider of this model does not support a parameter of the request.",
    "ContextWindowExceededError": "The request is longer than the model's context window.",
    "ContentPolicyViolationError": "The provider refused the request under its content policy.",
    "ImageFetchError": "An image that the request refers to can't be fetched.",
}


def meaning(error: BaseException) -> UpstreamError:
    """What our tree calls `error`; what nobody knows is a broken answer, and so never a complete one."""
    if isinstance(error, UpstreamError):
        return error
    for name in (kind.__name__ for kind in type(error).__mro__):
        if name in MEANINGS:
            return MEANINGS[name](_REASONS.get(name), status=_status(error))
    return UpstreamBroken()


def _status(error: BaseException) -> int | None:
    """The status that the provider answered with, where LiteLLM took it from an answer and not from its class."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None
