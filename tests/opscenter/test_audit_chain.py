"""Whoever changes the audit log behind the application's back is found out."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from opscenter.core import append_only, audit, audit_chain, audit_check, checks
from opscenter.core.models import AuditEntry, AuditHead, User
from opscenter.core.tasks import verify_audit
from opscenter.logging import redact
from tests.database import lifted_triggers

pytestmark = pytest.mark.django_db

TABLE = "llm_config_audit"


def verify(*arguments: str) -> tuple[int, str]:
    """Exit status and output of `manage.py verify_audit`."""
    out = StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def log() -> list[AuditEntry]:
    """Six entries of all that an entry can hold."""
    actor = audit.Actor(7, "admin", "2001:DB8::0:1", "a-request")
    with audit.acting_as(actor):
        for n in range(6):
            value = {"n": n, "big": 10**30, "huge": 1e22, "tiny": 1e-7, "whole": 3.0, "words": "Grüße ✓", "no": None}
            audit.record(action="update", entity_type="t", entity_id=n, before={"z": 1, "a": [True]}, after=value)
    return list(AuditEntry.objects.filter(entity_type="t").order_by("number"))


def damage(statement: str, *values: Any) -> None:
    """Run SQL as somebody would who got rid of the triggers."""
    with lifted_triggers(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_every_entry_is_chained_to_the_one_before(log: list[AuditEntry]) -> None:
    first = AuditEntry.objects.order_by("number")[0]

    assert (first.number, first.previous_hash) == (1, "")
    assert [entry.number for entry in log] == list(range(log[0].number or 0, (log[0].number or 0) + 6))
    assert [entry.previous_hash for entry in log[1:]] == [entry.entry_hash for entry in log[:-1]]
    assert verify()[0] == 0
    assert f"0 problems\nThe chain ends at {log[-1].number}:{log[-1].entry_hash}" in verify()[1]


def change(log: list[AuditEntry]) -> str:
    damage(f"UPDATE {TABLE} SET user_id = 8 WHERE id = %s", log[2].pk)
    return f"Entry {log[2].number} (ID {log[2].pk}) was changed"


def change_what_it_says(log: list[AuditEntry]) -> str:
    log[2].changes["after"]["n"] = 3
    with lifted_triggers():
        AuditEntry.objects.filter(pk=log[2].pk).update(changes=log[2].changes)
    return f"Entry {log[2].number} (ID {log[2].pk}) was changed"


def change_and_hash_anew(log: list[AuditEntry]) -> str:
    log[2].user_id = 8
    with lifted_triggers():
        AuditEntry.objects.filter(pk=log[2].pk).update(user_id=8, entry_hash=audit_chain.hash_of(log[2]))
    return f"Entry {log[3].number} does not follow on entry {log[2].number}"


def remove(log: list[AuditEntry]) -> str:
    damage(f"DELETE FROM {TABLE} WHERE id = %s", log[2].pk)
    return f"Entry {log[2].number} is missing"


def cut_the_tail(log: list[AuditEntry]) -> str:
    damage(f"DELETE FROM {TABLE} WHERE id >= %s", log[4].pk)
    return f"The end is cut off: Entries {log[4].number} to {log[5].number} are missing."


def cut_the_tail_and_go_on(log: list[AuditEntry]) -> str:
    cut_the_tail(log)
    audit.record(action="update", entity_type="t", entity_id=9, before={}, after={})
    return f"Entries {log[4].number} to {log[5].number} are missing."


def cut_the_tail_and_the_head(log: list[AuditEntry]) -> str:
    cut_the_tail(log)
    AuditHead.objects.update(number=log[3].number, entry_hash=log[3].entry_hash)
    return "The chain's head is not sealed under this installation's key ring"


def cut_everything_and_the_head(log: list[AuditEntry]) -> str:
    damage(f"DELETE FROM {TABLE}")
    AuditHead.objects.all().delete()
    audit.record(action="update", entity_type="t", entity_id=9, before={}, after={})
    return "The chain's head is not sealed under this installation's key ring"


def cut_everything_and_begin_anew(log: list[AuditEntry]) -> str:
    """The start of a release migrates, which makes the head of what has none."""
    User.objects.create_user("alice")
    damage(f"DELETE FROM {TABLE}")
    AuditHead.objects.all().delete()
    audit_chain.begin()
    return "The chain's head is missing"


def reorder(log: list[AuditEntry]) -> str:
    one, other = log[1], log[3]
    for pk, number in ((one.pk, 10**6), (other.pk, one.number), (one.pk, other.number)):
        damage(f"UPDATE {TABLE} SET number = %s WHERE id = %s", number, pk)
    return f"Entry {one.number} does not follow on entry {log[0].number}"


def reorder_what_they_say(log: list[AuditEntry]) -> str:
    for at, taken in ((log[1], log[3]), (log[3], log[1])):
        damage(f"UPDATE {TABLE} SET entity_id = %s WHERE id = %s", taken.entity_id, at.pk)
    return f"Entry {log[1].number} (ID {log[1].pk}) was changed"


def make_unreadable(log: list[AuditEntry]) -> str:
    """A number that both databases store, and Python refuses to read."""
    damage(f"UPDATE {TABLE} SET changes = %s WHERE id = %s", f'{{"n": {"9" * 5000}}}', log[2].pk)
    return "can't be read (ValueError)"


def write_past_the_chain(log: list[AuditEntry]) -> str:
    stray = AuditEntry.objects.create(action="update", entity_type="t", entity_id="1", source="api")
    return f"The entry with ID {stray.pk} was written past the chain"


def forge_the_next(log: list[AuditEntry]) -> str:
    forged = AuditEntry(action="update", entity_type="t", entity_id="1", source="api", number=(log[5].number or 0) + 1)
    forged.previous_hash = log[5].entry_hash
    forged.entry_hash = audit_chain.hash_of(forged)
    forged.save()
    return f"Entries {forged.number} to {forged.number} are behind the chain's head"


def forge_the_next_and_go_on(log: list[AuditEntry]) -> str:
    forge_the_next(log)
    entry = audit.record(action="update", entity_type="t", entity_id=9, before={}, after={})
    return f"Entry {entry.number} does not follow on entry {(log[5].number or 0) + 1}"


def rewrite_everything(log: list[AuditEntry]) -> str:
    """By somebody who has the program and the database, and not the key ring."""
    previous = log[2].previous_hash
    with lifted_triggers():
        for entry in log[2:]:
            entry.user_id, entry.previous_hash = 8, previous
            previous = entry.entry_hash = audit_chain.hash_of(entry)
            entry.save()
    AuditHead.objects.update(entry_hash=previous)
    return "The chain's head is not sealed under this installation's key ring"


@pytest.mark.parametrize(
    "tamper",
    [
        change,
        change_what_it_says,
        change_and_hash_anew,
        remove,
        cut_the_tail,
        cut_the_tail_and_go_on,
        cut_the_tail_and_the_head,
        cut_everything_and_the_head,
        cut_everything_and_begin_anew,
        reorder,
        reorder_what_they_say,
        make_unreadable,
        write_past_the_chain,
        forge_the_next,
        forge_the_next_and_go_on,
        rewrite_everything,
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_tampering_is_found(tamper: Callable[[list[AuditEntry]], str], log: list[AuditEntry]) -> None:
    said = tamper(log)

    status, output = verify()
    assert status == 1
    assert said in output


def test_who_lifts_the_triggers_and_leaves_them_off_is_found() -> None:
    append_only.remove(connection, TABLE)

    assert f"lacks the triggers {TABLE}_no_update" in verify()[1]


def test_a_trigger_that_is_missing_is_an_error_unless_a_migration_may_bring_it() -> None:
    newest = MigrationLoader(connection).graph.leaf_nodes("core")[0]
    append_only.remove(connection, TABLE)
    check = partial(checks.append_only_tables_are_guarded, databases=["default"])

    assert [found.id for found in check()] == ["core.E001"]
    MigrationRecorder(connection).record_unapplied(*newest)
    assert check() == []


NO_UPDATE = f"{TABLE}_no_update"
REFUSES = "EXECUTE FUNCTION opscenter_refuse_change()"
WAYS_PAST = {
    "postgresql": [
        f"ALTER TABLE {TABLE} DISABLE TRIGGER {NO_UPDATE}",
        f"ALTER TABLE {TABLE} ENABLE REPLICA TRIGGER {NO_UPDATE}",
        "CREATE OR REPLACE FUNCTION opscenter_refuse_change() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RETURN NEW; END $$",
        f"CREATE OR REPLACE TRIGGER {NO_UPDATE} BEFORE UPDATE OF action ON {TABLE} FOR EACH ROW {REFUSES}",
        f"CREATE OR REPLACE TRIGGER {NO_UPDATE} BEFORE UPDATE ON {TABLE} FOR EACH ROW WHEN (OLD.id < 0) {REFUSES}",
        f"CREATE OR REPLACE TRIGGER {NO_UPDATE} BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT {REFUSES}",
    ],
    "sqlite": [
        f"CREATE TRIGGER {NO_UPDATE} BEFORE UPDATE ON {TABLE} BEGIN SELECT 1; END",
        f"CREATE TRIGGER {NO_UPDATE} BEFORE UPDATE ON {TABLE} WHEN OLD.id < 0 BEGIN SELECT RAISE(ABORT, 'no'); END",
    ],
}


def test_a_trigger_that_lets_something_pass_is_found() -> None:
    on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    for statement in WAYS_PAST[connection.vendor]:
        with transaction.atomic(), connection.cursor() as cursor:
            if statement.startswith(f"CREATE TRIGGER {NO_UPDATE}") or "BEFORE TRUNCATE" in statement:
                cursor.execute(f"DROP TRIGGER {NO_UPDATE}{on_table}")
            cursor.execute(statement)
            assert f"lacks the triggers {NO_UPDATE}" in verify()[1], statement
            transaction.set_rollback(True)
    assert verify()[0] == 0


COLUMNS = (
    "id, number, created_at, action, entity_type, entity_id, source, request_id, changes, previous_hash, entry_hash"
)
COPY = f"INTO {TABLE} ({COLUMNS}) SELECT {COLUMNS} FROM {TABLE} WHERE TRUE"
CHANGES = {
    "postgresql": [f"TRUNCATE {TABLE}"],
    "sqlite": [f"INSERT OR REPLACE {COPY}", f"INSERT OR REPLACE {COPY.replace('SELECT id', 'SELECT id + 1000')}"],
}


def test_the_database_refuses_changes(log: list[AuditEntry]) -> None:
    upsert = f"INSERT {COPY} ON CONFLICT (id) DO UPDATE SET user_id = 8"
    everywhere = [f"UPDATE {TABLE} SET user_id = 8", f"DELETE FROM {TABLE}", upsert]
    for statement in [*everywhere, *CHANGES[connection.vendor]]:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_an_end_noted_elsewhere_finds_a_log_that_was_set_back_with_its_head(log: list[AuditEntry]) -> None:
    then = AuditHead.objects.get()
    noted = str(audit.record(action="update", entity_type="t", entity_id=9, before={}, after={}).number)
    noted += f":{AuditHead.objects.get().entry_hash}"
    assert verify("--anchor", noted)[0] == 0
    damage(f"DELETE FROM {TABLE} WHERE number > %s", then.number)
    then.save()

    assert verify()[0] == 0
    status, output = verify("--anchor", noted)

    assert status == 1
    assert f"Entry {noted.partition(':')[0]}, which was noted as {noted.partition(':')[2]}, is missing" in output


def test_a_broken_seal_stays_broken_until_somebody_vouches_for_the_end(log: list[AuditEntry]) -> None:
    AuditHead.objects.update(seal="")
    audit.record(action="update", entity_type="t", entity_id=9, before={}, after={})
    assert verify()[0] == 1

    assert verify("--seal")[0] == 0

    entry = AuditEntry.objects.latest("number")
    assert (entry.action, entry.source) == ("vouch", "command:verify_audit")


def test_a_seal_outlives_the_key_that_made_it(log: list[AuditEntry], settings: Any) -> None:
    from cryptography.fernet import Fernet

    old, new = settings.BYOK_ENCRYPTION_KEY, Fernet.generate_key().decode()
    settings.BYOK_ENCRYPTION_KEY = f"{new},{old}"
    assert verify()[0] == 0
    audit.record(action="update", entity_type="t", entity_id=9, before={}, after={})
    settings.BYOK_ENCRYPTION_KEY = new

    assert verify()[0] == 0


def test_entries_that_were_there_before_the_chain_are_chained(log: list[AuditEntry]) -> None:
    damage(f"UPDATE {TABLE} SET number = NULL, previous_hash = '', entry_hash = ''")
    AuditHead.objects.all().delete()
    migration = import_module("opscenter.core.migrations.0011_chain_audit_log")

    migration.chain(apps, SimpleNamespace(connection=connection))

    assert list(AuditEntry.objects.order_by("number")) == list(AuditEntry.objects.order_by("pk"))
    assert verify()[0] == 0


def test_the_report_counts_what_was_read(log: list[AuditEntry]) -> None:
    report = audit_check.check()

    assert (report.entries, report.problems) == (AuditEntry.objects.count(), [])


def test_the_worker_writes_the_end_into_another_log(log: list[AuditEntry], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert verify_audit() == 0
    assert redact(caplog.messages[-1]).endswith(f"its chain ends at {log[-1].number}:{log[-1].entry_hash}")

    said = remove(log)

    assert verify_audit() == 1
    assert AuditHead.objects.get().problems == 1
    assert f"The audit log is wrong: {said}." in caplog.messages
