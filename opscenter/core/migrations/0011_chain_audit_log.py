"""Chains the entries that stand, in the order in which they were written."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from opscenter.core import append_only, audit_chain

_AT_ONCE = 500
_COLUMNS = ["number", "previous_hash", "entry_hash"]


def chain(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Entry, Head = apps.get_model("core", "AuditEntry"), apps.get_model("core", "AuditHead")
    table = Entry._meta.db_table
    append_only.remove(schema_editor.connection, table)
    head = Head(number=0, entry_hash="")
    after = 0
    while rows := list(Entry.objects.filter(pk__gt=after).order_by("pk")[:_AT_ONCE]):
        for row in rows:
            row.number, row.previous_hash = head.number + 1, head.entry_hash
            row.entry_hash = audit_chain.hash_of(row)
            head.number, head.entry_hash = row.number, row.entry_hash
        Entry.objects.bulk_update(rows, _COLUMNS)
        after = rows[-1].pk
    audit_chain.seal(head)
    Head.objects.all().delete()
    head.save()
    append_only.install(schema_editor.connection, table)


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0010_audit_chain"),
    ]

    operations = [
        migrations.RunPython(chain, migrations.RunPython.noop),
    ]
