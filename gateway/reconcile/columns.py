"""Which columns of a provider's export say what, by the names that providers give them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.reconcile.amounts import MEASURES

Columns = Mapping[str, tuple[str, ...]]
"""For day, model and measures: the columns whose values are added up."""

_ONE_OF = {
    "day": ("usage_date_utc", "start_time_iso", "start_time", "usage_date", "date", "day", "created_at", "timestamp"),
    "model": ("model", "model_version", "model_permaslug", "model_name", "model_id", "snapshot_id"),
    "input_tokens": ("input_tokens", "prompt_tokens", "tokens_prompt", "n_context_tokens_total", "input"),
    "output_tokens": (
        *("output_tokens", "usage_output_tokens", "completion_tokens", "tokens_completion"),
        *("n_generated_tokens_total", "output"),
    ),
    "requests": ("num_model_requests", "requests", "num_requests", "n_requests", "request_count"),
    "cost_usd": ("cost_usd", "cost_total", "amount_usd", "total_cost", "cost", "amount_value", "usage", "amount"),
}
# Where a provider counts its input in parts, all of them together are its input.
_PARTS_OF_INPUT = (
    *("usage_input_tokens_no_cache", "usage_input_tokens_cache_write", "usage_input_tokens_cache_write_5m"),
    *("usage_input_tokens_cache_write_1h", "usage_input_tokens_cache_read", "uncached_input_tokens"),
    *("cache_read_input_tokens", "cache_creation_input_tokens"),
)
_A_ROW_PER_REQUEST = ("generation_id", "request_id")


class ColumnsUnknown(Exception):
    """What is missing is in the message; it is for whoever runs the command."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """`each_row_is_a_request`: where nothing counts them."""

    columns: Columns
    each_row_is_a_request: bool

    @property
    def measures(self) -> tuple[str, ...]:
        counted = (*self.columns, *(("requests",) if self.each_row_is_a_request else ()))
        return tuple(name for name in MEASURES if name in counted)

    def __str__(self) -> str:
        said = (f"{name} = {' + '.join(columns)}" for name, columns in self.columns.items())
        return ", ".join(said) + (", each row is a request" if self.each_row_is_a_request else "")


def mapped(header: Sequence[str], chosen: Columns) -> Mapped:
    """`chosen` go before the names known here. Raises ColumnsUnknown."""
    found = {**_known(header), **chosen}
    for name, columns in found.items():
        if name not in _ONE_OF:
            raise ColumnsUnknown(f"--columns knows {', '.join(_ONE_OF)}, and not {name!r}.")
        for column in columns:
            if column not in header:
                raise ColumnsUnknown(f"There is no column {column!r}. The file has: {', '.join(header)}.")
    missing = [name for name in ("day", "model") if name not in found]
    if missing or not set(found) & set(MEASURES):
        what = " and ".join(missing) or f"any of {', '.join(MEASURES)}"
        raise ColumnsUnknown(
            f"No column is known to say {what}. The file has: {', '.join(header)}. "
            "Name them: --columns day=COLUMN,model=COLUMN,input_tokens=COLUMN+COLUMN,..."
        )
    each = "requests" not in found and any(_plain(name) in _A_ROW_PER_REQUEST for name in header)
    return Mapped({name: found[name] for name in _ONE_OF if name in found}, each)


def _known(header: Sequence[str]) -> dict[str, tuple[str, ...]]:
    by_name = {_plain(name): name for name in reversed(header)}
    found: dict[str, tuple[str, ...]] = {
        what: (by_name[first],)
        for what, names in _ONE_OF.items()
        if (first := next((name for name in names if name in by_name), None))
    }
    if parts := tuple(by_name[name] for name in _PARTS_OF_INPUT if name in by_name):
        found.setdefault("input_tokens", parts)
    return found


def _plain(name: str) -> str:
    return "_".join(name.strip().casefold().replace("(", " ").replace(")", " ").replace("-", " ").split())
