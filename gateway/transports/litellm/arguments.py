"""A request body as arguments of LiteLLM's functions, which mix a model's parameters with their own controls."""

from typing import Any

from gateway.transports.base import Call
from llmconfig.conversions import litellm_params

# Everything else in a body travels as it is, inside `extra_body`: a caller's "api_base" must never become an argument.
_OF_CHAT = frozenset(
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
_OF_EMBEDDINGS = frozenset({"dimensions", "encoding_format", "input", "input_type", "user"})
_OF_RERANKING = frozenset({"documents", "max_tokens_per_doc", "query", "return_documents", "top_n"})
_PARAMETERS = {"chat/completions": _OF_CHAT, "embeddings": _OF_EMBEDDINGS, "rerank": _OF_RERANKING}


def arguments(call: Call) -> dict[str, Any]:
    """Keyword arguments. A parameter that the provider lacks is an error of the caller's, never dropped in silence."""
    params, parameters = litellm_params(call.target), _PARAMETERS[call.format.path]
    known = {name: value for name, value in call.body.items() if name in parameters}
    extra = {name: value for name, value in call.body.items() if name not in parameters and name != "model"}
    if extra:
        known["extra_body"] = extra
    return known | {
        "model": params.model,
        "custom_llm_provider": params.custom_llm_provider,
        "api_base": params.api_base,
        "api_key": params.api_key,
        "timeout": call.target.timeout_s,
        "max_retries": 0,
        "num_retries": 0,
        "no-log": True,
        "_skip_mcp_handler": True,
    }
