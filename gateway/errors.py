"""What a caller of the gateway can be told.

opscenter.core.errors.ServiceError
├── InvalidRequest        400  the body can't be served as it is
├── NoDeploymentFits      400  nothing is left of the model's deployments by what the call itself asks of routing
├── UpstreamRejected      400  the provider says that the request is invalid
├── NotAuthenticated      401
├── SecondFactorMissing   403  staff without one, where STAFF_MFA_REQUIRED is on
├── ForgedCall            403  by a session, and maybe from another site
├── ClientLeft            499  kept on record; nobody is left to be told
├── ModelForbidden        403  tier, key or power level does not reach this model
├── OwnKeyRefused         403  the provider refuses the caller's own key
├── ModelNotFound         404
├── WorkflowNotFound      404
├── WorkflowForbidden     403  it needs a higher tier
├── WorkflowTooDear       402  for this input, by what its operator lets an execution cost
├── NotStored             404  answers are not kept, and so there is none to be had again
├── RequestPruned         410  its row is no longer kept
├── CallInProgress        409  an earlier one with this Idempotency-Key
├── AnswerLost            409  of an Idempotency-Key whose call was charged
├── KeyReused             422  an Idempotency-Key that came with another request before
├── NoProvider            503  nothing is active for the purpose
│   └── OwnKeyFailing     503  calls by the caller's own key fail, and it is left alone for a moment
├── Stopping              503  this process is going down
├── GatewayNotReady       503  this worker's snapshot is stale
├── TooManyUnknownKeys    429  so many that this one is not even looked for
├── TooMuchInHand         503  this worker holds as many bytes of requests as it may
├── UpstreamFailed        502  every candidate failed
├── UpstreamOverloaded    429  every candidate is rate-limited
├── UpstreamTimedOut      504
├── RateLimited           429  a limit of the key or the user
├── BeyondBounds          422  a key would get more than its parent has, or its user may give it
├── KeyEnded              409  it is revoked or has expired, and nothing more is made of it
├── TooManyKeys           409  the user has as many live keys as they may
└── TooManySecrets        409  the key was rotated so often that too many of its secrets still work
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings

from credits.amounts import to_text
from opscenter.core import errors


class InvalidRequest(errors.BadRequest):
    default_code = "invalid_request"


class NoDeploymentFits(errors.BadRequest):
    default_code = "no_deployment_fits"


class UpstreamRejected(errors.BadRequest):
    default_code = "upstream_rejected"


class NotAuthenticated(errors.Unauthenticated):
    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(
            message or "No valid API key was sent. Send yours as `Authorization: Bearer sk-ops-...`.",
            code=code,
            headers={"WWW-Authenticate": "Bearer"},
        )


class SecondFactorMissing(errors.Forbidden):
    default_code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__("Staff need a second factor: sign in at /accounts/login/ and set one up first.")


class ForgedCall(errors.Forbidden):
    """`reason` is what is missing of the proof that a page of this site makes the call."""

    default_code = "csrf_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"A call by a session has to come from this site and to repeat the cookie {settings.CSRF_COOKIE_NAME} as "
            f"the header X-CSRFToken: {reason} Elsewhere, send an API key."
        )


class ClientLeft(errors.ServiceError):
    """The client closed its connection (nginx's 499) before anything was asked of an upstream."""

    status = 499
    default_code = "client_disconnected"

    def __init__(self) -> None:
        super().__init__("The client closed the connection.")


class ModelForbidden(errors.Forbidden):
    default_code = "model_not_allowed"


class ModelNotFound(errors.NotFound):
    default_code = "model_not_found"


class WorkflowNotFound(errors.NotFound):
    """`there` are the ids of those that the caller may execute, as text."""

    default_code = "workflow_not_found"

    def __init__(self, id: str, *, there: str) -> None:
        yours = f"Yours are {there}" if there else "There is none that you may execute"
        super().__init__(
            f"There is no active workflow `{id[:100]}`. {yours}: GET /v1/workflows has them.", param="workflowId"
        )


class WorkflowForbidden(errors.Forbidden):
    default_code = "tier_too_low"

    def __init__(self, id: str, *, required: str, tier: str) -> None:
        super().__init__(
            f"The workflow `{id}` needs the tier {required}; yours is {tier}.",
            param="workflowId",
            details={"required_tier": required, "tier": tier},
        )


class WorkflowTooDear(errors.PaymentRequired):
    """Both amounts in nanocredits."""

    default_code = "workflow_budget_too_small"

    def __init__(self, id: str, *, required: int, budget: int) -> None:
        super().__init__(
            f"The workflow `{id}` may cost {to_text(budget)} credits at most, and for this input it needs "
            f"{to_text(required)}. Send less, or have an operator raise its limit.",
            param="input",
            details={
                "limit_source": "workflow",
                "required_credits": to_text(required),
                "available_credits": to_text(budget),
            },
        )


class NotStored(errors.NotFound):
    default_code = "not_stored"

    def __init__(self) -> None:
        super().__init__(
            "Responses are not stored here, so that none can be got, deleted, cancelled or continued by its id: send "
            "the whole conversation as `input`."
        )


class RequestPruned(errors.Gone):
    """`known` is what the ledger says of it, None where it says nothing that the caller may see."""

    default_code = "request_pruned"

    def __init__(self, month: str, known: Mapping[str, Any] | None) -> None:
        super().__init__(
            f"The requests of {month} are no longer kept. What was paid for them is in the account's transactions.",
            details=known,
        )


class CallInProgress(errors.Conflict):
    default_code = "idempotent_call_in_progress"

    def __init__(self) -> None:
        super().__init__(
            "A call with this Idempotency-Key is being answered. Send it again later to get that answer.",
            headers={"Retry-After": "1"},
        )


class AnswerLost(errors.Conflict):
    """`charged` is in credits, as text."""

    default_code = "idempotent_answer_lost"

    def __init__(self, request_id: UUID, charged: str) -> None:
        super().__init__(
            f"The call with this Idempotency-Key was charged {charged} credits, and its answer is not kept: it broke "
            "off, or it is too long. To have it made anew, send another key.",
            details={"request_id": str(request_id), "charged_credits": charged},
        )


class KeyReused(errors.Unprocessable):
    default_code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key came with another request before. Send that one again, or this one with another key.",
            param="Idempotency-Key",
        )


class NoProvider(errors.Unavailable):
    default_code = "no_active_provider"


_KEYS = "/api/v1/llm/providers"


class OwnKeyRefused(errors.Forbidden):
    """`status` is what the provider answered; `key_id` the id of the caller's own key there."""

    default_code = "provider_key_refused"

    def __init__(self, provider: str, *, key_id: int, status: int | None) -> None:
        super().__init__(
            f"{provider} refused your own key ({status}). Check it and its balance there, then "
            f"POST {_KEYS}/{key_id}/test; or give another one: POST {_KEYS}/{key_id}/rotate.",
            details={"provider_key_id": key_id, "upstream_status": status},
        )


class OwnKeyFailing(NoProvider):
    default_code = "provider_key_failing"

    def __init__(self, provider: str, *, key_id: int, wait_s: int) -> None:
        super().__init__(
            f"Calls by your own key of {provider} keep failing, and it is left alone for a moment. See what is wrong "
            f"with it: POST {_KEYS}/{key_id}/test.",
            details={"provider_key_id": key_id},
            headers={"Retry-After": str(wait_s)},
        )


class GatewayNotReady(errors.Unavailable):
    default_code = "not_ready"


class Stopping(errors.Unavailable):
    default_code = "stopping"

    def __init__(self) -> None:
        super().__init__("This server is being stopped. Try again.", headers={"Retry-After": "1"})


class TooManyUnknownKeys(errors.TooManyRequests):
    default_code = "too_many_unknown_keys"

    def __init__(self) -> None:
        super().__init__("Too many calls come with unknown keys. Try again shortly.", headers={"Retry-After": "1"})


class TooMuchInHand(errors.Unavailable):
    default_code = "overloaded"

    def __init__(self) -> None:
        super().__init__("This server has too large requests in hand. Try again shortly.", headers={"Retry-After": "1"})


class UpstreamFailed(errors.BadGateway):
    default_code = "upstream_error"


class UpstreamOverloaded(errors.TooManyRequests):
    default_code = "upstream_rate_limited"


class UpstreamTimedOut(errors.GatewayTimeout):
    default_code = "upstream_timeout"


class RateLimited(errors.TooManyRequests):
    default_code = "rate_limit_exceeded"


class BeyondBounds(errors.Unprocessable):
    """`fields` says of each how it goes beyond."""

    default_code = "beyond_bounds"

    def __init__(self, fields: Mapping[str, str]) -> None:
        told = " ".join(f"{field}: {sentence}" for field, sentence in fields.items())
        super().__init__(
            f"A key never goes beyond the one it was made under, nor beyond what an operator gave it. {told}",
            param=next(iter(fields)),
            details={"fields": {field: [sentence] for field, sentence in fields.items()}},
        )


class KeyEnded(errors.Conflict):
    default_code = "key_ended"


class TooManyKeys(errors.Conflict):
    default_code = "too_many_keys"

    def __init__(self, *, live: int, most: int) -> None:
        super().__init__(
            f"You have {live} live keys and may have {most}: revoke some that you don't need.",
            details={"live": live, "limit": most},
        )


class TooManySecrets(errors.Conflict):
    default_code = "too_many_secrets"

    def __init__(self, *, most: int) -> None:
        super().__init__(
            f"{most} former secrets of this key still work. Wait until one of them ends, or rotate with grace_s 0, "
            "which ends them all."
        )
