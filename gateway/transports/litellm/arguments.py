"""A request body as arguments of litellm.acompletion, which mixes a model's parameters with its own controls."""

from typing import Any

from gateway.transports.base import Call

# Everything else in a body travels as it is, inside `extra_body`: a caller's "api_base" must never become an argument.
_PARAMETERS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)


def arguments(call: Call) -> dict[str, Any]:
    """Keyword arguments. A parameter that the provider lacks is an error of the caller's, never dropped in silence."""
    target = call.target
    known = {name: value for name, value in call.body.items() if name in _PARAMETERS}
    extra = {name: value for name, value in call.body.items() if name not in _PARAMETERS and name != "model"}
    if extra:
        known["extra_body"] = extra
    return known | {
        "model": f"{target.litellm_provider}/{target.upstream_model}",
        "api_base": target.api_base or None,
        "api_key": target.api_key or "none",
        "timeout": target.timeout_s,
        "max_retries": 0,
        "num_retries": 0,
        "no-log": True,
        "_skip_mcp_handler": True,
    }
