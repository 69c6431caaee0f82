"""`python -m tests.proofs.sealed_rows fill N | read`: fills an installation with secrets, or reads all of them time and
again until its input ends; then it says on a line of JSON what it saw. Each secret tells where it belongs.
"""

import json
import select
import sys
from collections.abc import Iterator
from typing import Any

import django

VERSIONS = 5
FACTORS = 20


def fill(count: int) -> None:
    """`count` versions of provider keys, five of each key, and a few second factors."""
    from allauth.mfa.models import Authenticator

    from llmconfig.models import ProviderKey
    from opscenter.core import secrets
    from opscenter.core.models import Secret, User

    rows = (ProviderKey(provider="perplexity", key_name=f"key {n}") for n in range(count // VERSIONS))
    keys = ProviderKey.objects.bulk_create(rows)
    versions = Secret.objects.bulk_create([version_of(key, number) for key in keys for number in range(VERSIONS)])
    for key, active in zip(keys, versions[VERSIONS - 1 :: VERSIONS], strict=True):
        key.encrypted_key = active
    ProviderKey.objects.bulk_update(keys, ["encrypted_key"], batch_size=500)
    users = User.objects.bulk_create(User(username=f"user {n}", password="!") for n in range(FACTORS))
    Authenticator.objects.bulk_create(
        Authenticator(user=user, type="totp", data={"secret": secrets.enclose(user.username, owner=user)})
        for user in users
    )


def version_of(key: Any, number: int) -> Any:
    from opscenter.core import secrets
    from opscenter.core.ids import uuid7
    from opscenter.core.models import Secret

    id, table = uuid7(), key._meta.db_table
    payload = json.dumps([str(id), f"{table}:{key.pk}", f"version {number} of {key.pk}"])
    return Secret(
        id=id,
        entity_type=table,
        entity_id=str(key.pk),
        number=number,
        ciphertext=secrets.key_ring().encrypt(payload.encode()),
        masked="****",
        state="active" if number == VERSIONS - 1 else "retired",
    )


def read() -> dict[str, Any]:
    """{"read": how often, "rounds": all of them, "failed": the first few that could not be read, or read wrong}."""
    seen: dict[str, Any] = {"read": 0, "rounds": 0, "failed": []}
    while True:
        for what, is_right in everything():
            seen["read"] += 1
            if not is_right:
                seen["failed"] = [*seen["failed"], what][:20]
        seen["rounds"] += 1
        print("round", flush=True)
        if select.select([sys.stdin], [], [], 0)[0]:
            return seen


def everything() -> Iterator[tuple[str, bool]]:
    from allauth.mfa.models import Authenticator

    from llmconfig.models import ProviderKey
    from opscenter.core import secrets
    from opscenter.core.models import Secret

    def opened(find: Any) -> str:
        try:
            return str(find())
        except secrets.SecretUnreadable as error:
            return str(error)

    for key in ProviderKey.objects.filter(key_name__startswith="key "):
        for version in Secret.objects.filter(entity_type=key._meta.db_table, entity_id=str(key.pk)):
            found = opened(lambda version=version, key=key: secrets.reveal(version, owner=key))
            yield found, found == f"version {version.number} of {key.pk}"
    for row in Authenticator.objects.select_related("user"):
        found = opened(lambda row=row: secrets.disclose(row.data["secret"], owner=row.user))
        yield found, found == row.user.username


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "fill":
        fill(int(sys.argv[2]))
    else:
        print(json.dumps(read()), flush=True)
