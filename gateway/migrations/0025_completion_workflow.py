"""The workflow that every installation begins with, an operator's to change from then on."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_ID = "completion-workflow"


def make(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    workflows = apps.get_model("gateway", "Workflow")._default_manager.using(editor.connection.alias)
    workflow, is_new = workflows.get_or_create(
        workflow_id=_ID,
        defaults={
            "name": "Completion",
            "description": 'Asks a model once. The input is the prompt, or an object of "prompt" and, if wanted, "system".',
        },
    )
    if is_new:
        workflow.steps.create(
            name="completion",
            system="{{ input.system|default:'' }}",
            prompt="{% if input.prompt %}{{ input.prompt }}{% else %}{{ input }}{% endif %}",
        )


def remove(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    workflows = apps.get_model("gateway", "Workflow")._default_manager.using(editor.connection.alias)
    workflows.filter(workflow_id=_ID).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0024_workflows"),
    ]

    operations = [migrations.RunPython(make, remove)]
