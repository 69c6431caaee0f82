"""Keys with those that they were made under: a key never goes beyond them, and ends with them."""

from collections.abc import Collection, Iterable, Mapping

from django.db.models import QuerySet

from gateway.models import VirtualKey

Line = tuple[VirtualKey, ...]
"""A key, its parent, that one's parent and so on, to the first."""

MOST_GENERATIONS = 5


def lines_of(keys: Collection[VirtualKey], *, among: QuerySet[VirtualKey] | None) -> dict[int, Line]:
    """The line of each key by its id. Left out are keys with an ancestor that is neither in `keys` nor `among`.

    A query for each generation above `keys`.
    """
    known = {key.pk: key for key in keys}
    while among is not None and (missing := _parents_of(known.values()) - known.keys()):
        found = among.in_bulk(missing)
        known |= found
        if len(found) < len(missing):
            break
    return {key.pk: line for key in keys if (line := _line(key, known))}


def with_descendants(ids: Iterable[int]) -> list[VirtualKey]:
    """The keys of these ids and all that were made under them, the elder first; locked, in a transaction."""
    generation = list(VirtualKey.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk"))
    found: dict[int, VirtualKey] = {}
    while generation := [key for key in generation if key.pk not in found]:
        found |= {key.pk: key for key in generation}
        children = VirtualKey.objects.select_for_update().filter(parent_id__in=[key.pk for key in generation])
        generation = list(children.order_by("pk"))
    return list(found.values())


def _parents_of(keys: Iterable[VirtualKey]) -> set[int]:
    return {key.parent_id for key in keys if key.parent_id is not None}


def _line(key: VirtualKey, known: Mapping[int, VirtualKey]) -> Line:
    """Empty where an ancestor is unknown, or the line is longer than any can be."""
    if key.parent_id is None:
        return (key,)
    line = [key]
    while (parent_id := line[-1].parent_id) is not None:
        parent = known.get(parent_id)
        if parent is None or len(line) == MOST_GENERATIONS:
            return ()
        line.append(parent)
    return tuple(line)
