"""Routes under /api/v1/llm-config/ and /api/v1/admin/, with and without a trailing slash; the schema shows one."""

from django.urls import URLPattern, path
from rest_framework.views import APIView

from llmconfig.views.active import ActiveListView, ActiveView
from llmconfig.views.api_keys import KeyListView, KeyTestView, KeyView
from llmconfig.views.audit import AuditListView, AuditView
from llmconfig.views.catalog import DeploymentListView, DeploymentView, ModelListView, ModelView
from llmconfig.views.health import HealthListView
from llmconfig.views.key_versions import (
    KeyActivateView,
    KeyRevertView,
    KeyRevokeView,
    KeyRotateView,
    KeyVersionListView,
)
from llmconfig.views.platform_keys import (
    DecryptedKeyView,
    PlatformKeyListView,
    PlatformKeyTestView,
    PlatformKeyView,
)
from llmconfig.views.servers import ServerListView, ServerModelsView, ServerTestView, ServerView

_ROUTES: dict[str, type[APIView]] = {
    "servers": ServerListView,
    "servers/<int:pk>": ServerView,
    "servers/<int:pk>/test": ServerTestView,
    "servers/<int:pk>/models": ServerModelsView,
    "api-keys": KeyListView,
    "api-keys/<int:pk>": KeyView,
    "api-keys/<int:pk>/test": KeyTestView,
    "api-keys/<int:pk>/rotate": KeyRotateView,
    "api-keys/<int:pk>/versions": KeyVersionListView,
    "api-keys/<int:pk>/versions/<int:number>/activate": KeyActivateView,
    "api-keys/<int:pk>/versions/<int:number>/revert": KeyRevertView,
    "api-keys/<int:pk>/versions/<int:number>/revoke": KeyRevokeView,
    "active": ActiveListView,
    "active/<slug:purpose>": ActiveView,
    "models": ModelListView,
    "models/<int:pk>": ModelView,
    "deployments": DeploymentListView,
    "deployments/<int:pk>": DeploymentView,
    "health": HealthListView,
    "audit": AuditListView,
    "audit/<int:pk>": AuditView,
}

_PLATFORM_KEY_ROUTES: dict[str, type[APIView]] = {
    "platform-keys": PlatformKeyListView,
    "platform-keys/<slug:provider>": PlatformKeyView,
    "platform-keys/<slug:provider>/test": PlatformKeyTestView,
    "platform-keys/<slug:provider>/decrypted": DecryptedKeyView,
}


def _with_and_without_slash(routes: dict[str, type[APIView]]) -> list[URLPattern]:
    return [
        pattern
        for route, view in routes.items()
        for pattern in (path(route, view.as_view()), path(f"{route}/", view.as_view(schema=None)))
    ]


urlpatterns: list[URLPattern] = _with_and_without_slash(_ROUTES)
platform_keys: list[URLPattern] = _with_and_without_slash(_PLATFORM_KEY_ROUTES)
