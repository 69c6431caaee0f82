"""Whatever the catalog and whoever has keys there: own keys go first and cost nothing, nobody's go to anybody else."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import own_keys
from gateway.callers import Caller
from gateway.errors import ModelNotFound
from gateway.own_keys import Choices
from gateway.snapshot import Snapshot
from llmconfig.own_keys import OwnKeys, by_own
from llmconfig.providers import PROVIDERS, provider_for
from llmconfig.target import FREE, Price, Target, implicit
from llmconfig.upstreams import OwnKey, of_provider
from opscenter.core.limits import Limits

SLUGS = sorted(PROVIDERS)[:4]
ANNE, BEA = 1, 2
DEAR = Price(7, *(Decimal(5),) * 5)


def target(number: int, slug: str, *, is_server: bool = False) -> Target:
    upstream = of_provider(provider_for(slug), id=100 + number, api_key="platform")
    made = implicit(upstream, "m1", "chat")
    limits, kind = Limits(rpm=1, tpm=1, concurrency=1), "vllm" if is_server else None
    return replace(made, key=f"d:{number}", price=DEAR, tier="enterprise", limits=limits, server_type=kind)


targets = st.lists(st.tuples(st.sampled_from(SLUGS), st.booleans()), max_size=5)
keys = st.lists(st.tuples(st.sampled_from((ANNE, BEA)), st.sampled_from(SLUGS), st.booleans()), max_size=6)


def stored(drawn: list[tuple[int, str, bool]]) -> dict[int, dict[str, tuple[OwnKey, ...]]]:
    by_user: dict[int, dict[str, tuple[OwnKey, ...]]] = {}
    for number, (owner, slug, is_alone) in enumerate(drawn):
        upstream = of_provider(provider_for(slug), id=number, api_key=f"of {owner}")
        mine = by_user.setdefault(owner, {})
        mine[slug] = (*mine.get(slug, ()), OwnKey(upstream, owner, 1, is_alone))
    return by_user


def caller(user_id: int, tier: str) -> Caller:
    return cast(Caller, SimpleNamespace(user_id=user_id, tier=tier))


tiers = st.sampled_from(("free", "starter", "enterprise"))


@given(first=targets, behind=targets, drawn=keys, tier=tiers, named=st.booleans())
def test_own_keys_are_free_first_and_their_owners_alone(
    first: list[tuple[str, bool]], behind: list[tuple[str, bool]], drawn: Any, tier: str, named: bool
) -> None:
    platforms = tuple(target(number, slug, is_server=served) for number, (slug, served) in enumerate(first))
    fallback = tuple(target(50 + number, slug, is_server=served) for number, (slug, served) in enumerate(behind))
    offers = {"m1": tuple(one for one in platforms if one.server_type is None)}
    catalog = SimpleNamespace(own_keys=OwnKeys(stored(drawn), offers))
    snapshot = cast(Snapshot, SimpleNamespace(catalog=catalog))
    mine = own_keys.of(snapshot, caller(BEA, tier))

    assert bool(mine) == (tier != "free" and any(owner == BEA for owner, _, _ in drawn))
    asked, then = own_keys.chosen(snapshot, mine, "m1" if named else None, "chat", lambda: (platforms, fallback))

    own = [one for one in (*asked, *then) if one.owner_id is not None]
    for one in own:
        assert (one.owner_id, one.api_key, one.price, one.tier) == (BEA, f"of {BEA}", FREE, "free")
        assert own_keys.is_own(one.key)
        assert one.limits.rpm is None
    reached = {one.provider for one in platforms if one.server_type is None} & set(mine)
    assert {one.provider for one in asked if one.owner_id} == reached
    left = [one for one in (*asked, *then) if one.owner_id is None]
    alone = {slug for slug, of_one in mine.items() if any(key.is_alone for key in of_one)}
    if reached & alone:
        assert left == []
    else:
        assert [one for one in asked if one.owner_id is None] == list(platforms)
        assert not [one for one in then if one.owner_id is None and one.server_type is None and one.provider in alone]
    owners = [one.owner_id for one in asked]
    assert owners == sorted(owners, key=lambda owner: owner is None)
    assert len({one.key for one in own}) == len(own)


def test_what_the_platform_can_not_find_is_not_found_without_an_own_key() -> None:
    def platforms() -> Choices:
        raise ModelNotFound("none")

    offer = target(1, SLUGS[0])
    catalog = SimpleNamespace(own_keys=OwnKeys(stored([(BEA, SLUGS[0], False)]), {"m1": (offer,)}))
    snapshot = cast(Snapshot, SimpleNamespace(catalog=catalog))
    mine = own_keys.of(snapshot, caller(BEA, "starter"))

    assert own_keys.chosen(snapshot, mine, "m1", "chat", platforms) == (tuple(by_own(offer, mine)), ())
    for name, purpose in (("m2", "chat"), ("m1", "embeddings")):
        with pytest.raises(ModelNotFound):
            own_keys.chosen(snapshot, mine, name, purpose, platforms)


@pytest.mark.parametrize(
    "drawn",
    [
        [(BEA, SLUGS[0], True), (ANNE, SLUGS[1], True)],
        [(BEA, SLUGS[0], True), (BEA, SLUGS[1], True)],
    ],
    ids=["where others have keys elsewhere", "where several own ones could be meant"],
)
def test_an_id_of_the_providers_does_not_get_past_the_own_key(drawn: Any) -> None:
    """What it means to a caller is a matter of their keys and the platform's, never of other people's."""
    offers = tuple(replace(target(number, SLUGS[number]), model_name=f"public-{number}") for number in (0, 1))
    catalog = SimpleNamespace(own_keys=OwnKeys(stored(drawn), {"m1": offers}))
    snapshot = cast(Snapshot, SimpleNamespace(catalog=catalog))
    mine = own_keys.of(snapshot, caller(BEA, "starter"))

    asked, then = own_keys.chosen(snapshot, mine, "m1", "chat", lambda: (offers[:1], ()))

    assert ([(one.owner_id, one.provider) for one in asked], then) == ([(BEA, SLUGS[0])], ())


def test_an_id_that_means_the_own_key_is_found_whoever_else_has_one_for_it() -> None:
    def platforms() -> Choices:
        raise ModelNotFound("none")

    offers = tuple(replace(target(number, SLUGS[number]), model_name=f"public-{number}") for number in (0, 1))
    catalog = SimpleNamespace(own_keys=OwnKeys(stored([(BEA, SLUGS[0], True), (ANNE, SLUGS[1], True)]), {"m1": offers}))
    snapshot = cast(Snapshot, SimpleNamespace(catalog=catalog))
    mine = own_keys.of(snapshot, caller(BEA, "starter"))

    asked, _ = own_keys.chosen(snapshot, mine, "m1", "chat", platforms)

    assert [(one.owner_id, one.provider) for one in asked] == [(BEA, SLUGS[0])]
