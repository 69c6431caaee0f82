"""SQL over rows that come as one JSON parameter, `rows` (an array of arrays), alike for PostgreSQL and SQLite.

A statement's text never changes with the number of rows, no limit on parameters applies, and the client's work for a
row is that of writing it as JSON.
"""


class Rows:
    """`{rows:name type, ...}` in a template: the JSON parameter as a table `v` with these columns, in this order.

    The types are PostgreSQL's; `jsonb` keeps the value as JSON. SQLite takes values as they are, but writes moments
    (`timestamptz`, of a whole millisecond) and UUIDs the way Django does.
    """

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor

    def __format__(self, columns: str) -> str:
        pick = _PICK[self.vendor]
        named = [column.split() for column in columns.split(",")]
        picked = ", ".join(
            f"{pick.get(kind, pick['']).format(n=n, kind=kind)} AS {name}" for n, (name, kind) in enumerate(named)
        )
        return f"(SELECT {picked} FROM {_ARRAY[self.vendor]}) AS v"


_ARRAY = {"postgresql": "JSONB_ARRAY_ELEMENTS(%(rows)s::jsonb) AS r", "sqlite": "JSON_EACH(%(rows)s)"}
_PICK = {
    "postgresql": {"": "(r ->> {n})::{kind}", "jsonb": "r -> {n}"},
    "sqlite": {
        "": "JSON_EXTRACT(value, '$[{n}]')",
        "uuid": "REPLACE(JSON_EXTRACT(value, '$[{n}]'), '-', '')",
        "timestamptz": "REPLACE(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', JSON_EXTRACT(value, '$[{n}]')), '.000000', '')",
    },
}


class Ids:
    """`id {ids:type}` in a template: id is one of the JSON parameter, which is a plain array here.

    PostgreSQL gets an array and not a subquery: it looks for each in the index, however small it thinks the table is.
    """

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor

    def __format__(self, kind: str) -> str:
        if self.vendor == "postgresql":
            return f"= ANY(ARRAY(SELECT r::{kind} FROM JSONB_ARRAY_ELEMENTS_TEXT(%(rows)s::jsonb) AS r))"
        return "IN (SELECT value FROM JSON_EACH(%(rows)s))"


class Firsts:
    """`id {firsts:type}` in a template: id is the first value of one of the rows. It finds what the rows are about by
    index, whatever else a statement says of them."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor

    def __format__(self, kind: str) -> str:
        first = f"(SELECT {_PICK[self.vendor][''].format(n=0, kind=kind)} FROM {_ARRAY[self.vendor]})"
        return f"= ANY(ARRAY{first})" if self.vendor == "postgresql" else f"IN {first}"
