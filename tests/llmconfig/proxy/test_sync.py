"""When the proxy is told: once things are still, on schedule, when asked; one at a time, and what comes of it."""

import sys
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest
import yaml
from django.contrib.auth.models import Group
from django.utils import timezone
from pytest_django.fixtures import Settings

from llmconfig import tasks
from llmconfig.models import ProviderKey, ProxyState
from llmconfig.proxy.lease import held
from llmconfig.services import active, catalog, own_models, provider_keys, proxy_sync, servers
from opscenter.celery import app
from opscenter.core.models import AuditEntry, User
from tests.admin.site import Site, text

pytestmark = pytest.mark.django_db

KEY = f"sk-{token_hex(12)}5d80"


def make_key(secret: str = KEY, name: str = "main") -> ProviderKey:
    return provider_keys.create(fields={"provider": "openai", "key_name": name}, api_key=secret)


def offer(name: str, key: ProviderKey) -> None:
    deployment = {"provider_type": "api_key", "provider_id": key.pk, "upstream_model": "gpt-x"}
    catalog.create_model(values={"name": name, "input_price": "1"}, deployments=[deployment])


def models_in(folder: Path) -> list[str]:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    return [model["model_name"] for model in config["model_list"]]


def later(seconds: float) -> None:
    """Everything noted so far lies so much further back."""
    state = ProxyState.objects.get()
    for name in ("seen_at", "pending_since"):
        if moment := getattr(state, name):
            setattr(state, name, moment - timedelta(seconds=seconds))
    state.save()


def test_changes_are_told_once_they_are_still(folder: Path, settings: Settings) -> None:
    settings.LITELLM_DEBOUNCE_S = 60.0
    key = make_key()
    offer("one", key)
    assert not tasks.sync_proxy_on_change()
    later(59)
    offer("two", key)
    assert not tasks.sync_proxy_on_change()
    later(59)
    assert not tasks.sync_proxy_on_change()
    assert not folder.exists()

    later(2)
    assert tasks.sync_proxy_on_change()
    assert models_in(folder) == ["one", "two"]
    later(1000)
    assert not tasks.sync_proxy_on_change()


def test_changes_without_end_are_told_all_the_same(folder: Path, settings: Settings) -> None:
    settings.LITELLM_DEBOUNCE_S = 60.0
    key = make_key()
    told = []
    for n in range(12):
        offer(f"model-{n}", key)
        told.append(tasks.sync_proxy_on_change())
        later(59)

    assert told.count(True) == 1
    assert len(models_in(folder)) > 9


def test_one_at_a_time_and_a_dead_one_is_overtaken(folder: Path) -> None:
    with held() as is_ours:
        assert is_ours
        assert tasks.reconcile_proxy() == "busy"
        assert not folder.exists()
        ProxyState.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        assert tasks.reconcile_proxy() == "unknown"

    assert folder.exists()
    assert ProxyState.objects.get().held_until is None


def test_off_tells_nobody(folder: Path, settings: Settings) -> None:
    settings.LITELLM_SYNC_MODE = "off"

    assert tasks.sync_proxy() == tasks.reconcile_proxy() == "busy"
    assert not folder.exists()


def test_the_keys_are_in_their_file_alone_and_whoever_edits_either_is_overwritten(folder: Path) -> None:
    offer("one", make_key())
    tasks.reconcile_proxy()
    config, keys = folder / "config.yaml", folder / "keys.env"
    assert KEY in keys.read_text()
    assert KEY not in config.read_text()
    first = AuditEntry.objects.filter(action="sync").count()

    config.write_text("edited")
    keys.chmod(0o644)
    tasks.reconcile_proxy()

    assert models_in(folder) == ["one"]
    assert keys.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "keys.env"]
    tasks.reconcile_proxy()
    assert AuditEntry.objects.filter(action="sync").count() == first + 1


def test_what_is_active_beside_the_catalog_is_there_once_for_each_purpose(folder: Path) -> None:
    fields = {"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example:8000", "use_for_embeddings": True}
    server = servers.create(fields=fields)
    for purpose in ("chat", "embeddings"):
        active.set_active(purpose=purpose, primary=server, default_model="some")

    tasks.reconcile_proxy()

    models = yaml.safe_load((folder / "config.yaml").read_text())["model_list"]
    assert [model["model_name"] for model in models] == ["gpu/some", "gpu/some"]
    assert {model["model_info"]["mode"] for model in models} == {"chat", "embedding"}
    assert len({model["model_info"]["id"] for model in models}) == 2


def test_what_consumers_own_stays_here(folder: Path) -> None:
    offer("one", make_key())
    carol = User.objects.create_user("carol")
    own = provider_keys.create(
        fields={"provider": "openai", "key_name": "main", "owner": carol}, api_key=f"sk-{token_hex(16)}"
    )
    deployment = {"provider_type": "api_key", "provider_id": own.pk, "upstream_model": "gpt-x"}
    own_models.create(owner=carol, values={"name": "mine"}, deployments=[deployment])

    tasks.reconcile_proxy()

    assert models_in(folder) == ["one"]
    assert (folder / "keys.env").read_text().count("OPSCENTER_KEY_") == 1


def test_a_key_that_would_break_its_line_is_left_out_and_said_to_be(folder: Path) -> None:
    offer("one", make_key())
    offer("two", make_key(f"sk-{token_hex(8)}\nLITELLM_MASTER_KEY=sk-mine", name="odd"))

    tasks.reconcile_proxy()

    assert models_in(folder) == ["one"]
    assert "LITELLM_MASTER_KEY" not in (folder / "keys.env").read_text()
    assert "control character" in ProxyState.objects.get().message


@pytest.mark.once
@pytest.mark.parametrize("what", ["model", "provider", "key"])
def test_what_a_proxy_would_take_for_a_variable_of_its_own_is_left_out(what: str, folder: Path) -> None:
    key = make_key()
    offer("one", key)
    variable = "os.environ/LITELLM_MASTER_KEY"
    if what == "model":
        offer(variable, make_key(name="second"))
    else:
        fields = {"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example:8000"}
        named = fields | ({"name": variable} if what == "provider" else {})
        server = servers.create(fields=named, api_key=variable if what == "key" else None)
        active.set_active(purpose="chat", primary=key, default_model="one", fallback=server, fallback_model="some")

    tasks.reconcile_proxy()

    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert [model["model_name"] for model in config["model_list"]] == ["one"]
    assert config["router_settings"]["fallbacks"] == []
    assert variable not in (folder / "keys.env").read_text()
    assert "would be taken for a variable" in ProxyState.objects.get().message


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{sys.executable} -c 'import sys; sys.exit(3)'", "ended with 3"),
        ("/no/such/program", "can't be run"),
        (f"{sys.executable} -c 'import signal; signal.pause()'", "longer than"),
    ],
)
def test_a_reload_that_fails_is_said_and_tried_again(command: str, said: str, folder: Path, settings: Settings) -> None:
    settings.LITELLM_RELOAD_COMMAND, settings.LITELLM_RELOAD_TIMEOUT_S = command, 1.0

    assert tasks.reconcile_proxy() == "failing"
    assert said in ProxyState.objects.get().message
    flag = folder / "reloaded"
    settings.LITELLM_RELOAD_COMMAND = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"x\")' {flag}"
    assert tasks.reconcile_proxy() == "unknown"
    assert flag.exists()
    assert tasks.reconcile_proxy() == "unknown"


def test_files_that_cannot_be_written_are_said_to_be(folder: Path) -> None:
    folder.write_text("no directory")

    assert tasks.reconcile_proxy() == "failing"
    assert str(folder) in ProxyState.objects.get().message


def _operator() -> Site:
    user = User.objects.create_user("alice", is_staff=True)
    user.groups.set(Group.objects.filter(name="LLM admin"))
    return Site(user)


@pytest.mark.once
def test_an_operator_sees_what_differs_and_has_it_synced(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = _operator()
    ProxyState.objects.create(status="drifted", differences=[["missing", "m1", "Not served."]], difference_count=1)
    state = ProxyState.objects.get()
    task = app.tasks[proxy_sync.TASK]
    monkeypatch.setattr(task, "apply_async", task.apply)

    page = text(site.get("llm_proxystate_change", 1))
    assert "Drifted" in page
    assert "missing m1 Not served." in page
    front = text(site.get("index"))
    assert "It differs from the catalog in 1 places." in front
    assert "Never looked at" in front
    said = text(site.press("llm_proxystate", state, "sync"))
    assert "The worker was asked to sync the proxy" in said
    entry = AuditEntry.objects.latest("id")
    alice = User.objects.get(username="alice")
    assert (entry.user_id, entry.source, entry.action) == (alice.pk, "task:sync_proxy", "sync")
    assert "files: written" in text(site.get("llm_proxystate_change", 1))

    syncs = AuditEntry.objects.filter(action="sync")
    site.press("llm_proxystate", state, "sync")
    assert syncs.count() == 2, "asked for, so its outcome is to be found even where nothing was to do"
    tasks.reconcile_proxy()
    assert syncs.count() == 2
    assert "0 models, looked at" in text(site.get("index"))
    assert "Not known" in text(site.press("llm_proxystate", state, "look"))
    with held():
        assert "It is being synced just now" in text(site.press("llm_proxystate", state, "sync"))
    assert syncs.count() == 2
    settings.LITELLM_SYNC_MODE = "off"
    page = text(site.get("llm_proxystate_changelist"))
    assert "Off" in page
    assert "Not known" not in page


@pytest.mark.once
def test_whoever_may_only_use_models_sees_and_syncs_nothing(folder: Path) -> None:
    user = User.objects.create_user("bob", is_staff=True)
    user.groups.set(Group.objects.filter(name="LLM user"))
    state = ProxyState.objects.create(status="drifted")

    assert Site(user).get("llm_proxystate_change", 1).status_code == 403
    assert Site(user).press("llm_proxystate", state, "sync").status_code == 403
