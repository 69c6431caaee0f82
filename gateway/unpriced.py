"""What no hold covers: by which some provider does more than was asked for in our words, or something dearer.

Names are compared by their letters alone. Servers written in Go, such as Ollama, take `MAX_Tokens` for `max_tokens`,
and what LiteLLM doesn't know it lays over the request that it made: for Gemini, `generationConfig` over our limits.
"""

from typing import Any

from gateway.errors import InvalidRequest

_OURS = ("model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens")
_UNPRICED = (
    # Another model, or several.
    *("models", "route", "provider"),
    # More output than max_tokens, or more input than was sent.
    *("best_of", "n_predict", "num_predict", "max_new_tokens", "max_output_tokens", "max_gen_len", "max_length"),
    *("max_tokens_to_sample", "candidate_count", "generation_config", "inference_config", "text_generation_config"),
    *("contents", "cached_content", "chat_template", "options"),
    # Work that is billed by the piece, or by another tariff.
    *("plugins", "web_search_options", "search_parameters", "mcp_servers", "container", "speed", "inference_geo"),
)
_USUAL_TARIFFS = (None, "auto", "default", "standard", "standard_only", "on_demand", "flex")
# Run by the client; those that a provider runs by itself are billed by the piece.
_CLIENTS_TOOLS = ("function", "custom", "bash", "text_editor", "computer", "memory")
_NAMED_BY = ("function", "custom", "name")
# What a write to a cache costs is one price, that of five minutes; an hour is sold for more.
_PRICED_TTLS = (None, "5m")
# No longer for the provider than it is in the request.
_SPELLED_OUT = ("text", "refusal", "input_audio", "thinking", "redacted_thinking")


def _letters(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


_SPELLINGS = {_letters(name): name for name in _OURS}
_REFUSED = frozenset(map(_letters, _UNPRICED))


def refuse_unpriced(body: dict[str, Any]) -> None:
    """Raises InvalidRequest (400), which names the field."""
    for name, value in body.items():
        letters = _letters(name)
        if (letters in _REFUSED and value) or _SPELLINGS.get(letters, name) != name:
            raise unpriced(name)
    if body.get("service_tier") not in _USUAL_TARIFFS:
        raise unpriced("service_tier")
    for name in ("tools", "functions"):
        tools = body.get(name)
        if isinstance(tools, list) and not all(_is_clients(tool) for tool in tools):
            raise unpriced(name)


def refuse_unpriced_cache(holder: dict[str, Any]) -> None:
    """Raises InvalidRequest (400) where `holder` is to be cached for longer than there is a price for."""
    control = holder.get("cache_control")
    if isinstance(control, dict) and control.get("ttl") not in _PRICED_TTLS:
        raise unpriced("cache_control.ttl")


def refuse_unpriced_caches(value: Any) -> None:
    """The same for everything in `value`, however deep."""
    if isinstance(value, dict):
        refuse_unpriced_cache(value)
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        refuse_unpriced_caches(inner)


def is_spelled_out(part: dict[str, Any]) -> bool:
    """Whether a part of a message is what it says; of others the provider fetches or unpacks more than was sent."""
    return part.get("type") in _SPELLED_OUT


def _is_clients(tool: object) -> bool:
    if not isinstance(tool, dict):
        return True
    kind = tool.get("type") or "function"
    return isinstance(kind, str) and kind.startswith(_CLIENTS_TOOLS) and any(name in tool for name in _NAMED_BY)


def unpriced(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{name[:100]}` changes what a call costs and can't be used here like this.",
        code="unpriced_field",
        param=name[:100],
    )
