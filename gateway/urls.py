"""The gateway's routes. Inference endpoints stand under /v1 and under /api/v1/llm alike."""

from django.urls import include, path

from gateway.views.chat import ChatCompletionsView
from gateway.views.embeddings import EmbeddingsView
from gateway.views.explain import ExplainView
from gateway.views.keys import KeyListView, KeyRotateView, KeysRevokeView, KeyView
from gateway.views.login import LoginView
from gateway.views.margin import MarginView
from gateway.views.messages import CountTokensView, MessagesView
from gateway.views.models import ModelsView, ModelView
from gateway.views.own_keys import (
    AvailableProvidersView,
    OwnKeyListView,
    OwnKeyRotateView,
    OwnKeyTestView,
    OwnKeyView,
)
from gateway.views.personal import either, is_management
from gateway.views.quote import QuoteView
from gateway.views.reauthenticate import ReauthenticateView
from gateway.views.requests import ReceiptView, RequestsView
from gateway.views.rerank import RerankView
from gateway.views.responses import ResponsesView, StoredResponseView
from gateway.views.routed import RoutedChatView, RoutedModelsView, RoutedModelView
from gateway.views.usage import UsageView
from gateway.views.usage_export import UsageExportView
from gateway.views.workflows import ExecuteView, WorkflowsView
from llmconfig.views.own_models import OwnModelListView, OwnModelView

_inference = [
    path("chat/completions", ChatCompletionsView.as_view()),
    path("embeddings", EmbeddingsView.as_view()),
    path("rerank", RerankView.as_view()),
    path("messages", MessagesView.as_view()),
    path("messages/count_tokens", CountTokensView.as_view()),
    path("responses", ResponsesView.as_view()),
    path("responses/<path:id>", StoredResponseView.as_view()),
    path("quote", QuoteView.as_view()),
    path("models", ModelsView.as_view()),
    path("models/<path:name>", ModelView.as_view()),
    path("workflows", WorkflowsView.as_view()),
    path("workflows/execute", ExecuteView.as_view()),
]
_routed = [
    path("chat/completions", RoutedChatView.as_view()),
    path("models", RoutedModelsView.as_view()),
    path("models/<path:name>", RoutedModelView.as_view()),
    path("routing/explain", ExplainView.as_view()),
]
_personal = [
    path("models", either(ModelsView, OwnModelListView)),
    path("models/<int:pk>", either(ModelView, OwnModelView)),
]
MODELS = "/api/v1/llm/models"
_ALSO = ("chat/", "embeddings", "messages", "quote", "rerank", "responses", "workflows")
ALIASES = ("/v2/", MODELS, *(f"/api/v1/llm/{name}" for name in _ALSO))
"""Where what stands under /v1 stands once more."""
INFERENCE_PREFIXES = ("/v1/", *ALIASES, "/api/v2/llm/")
"""Paths that opscenter/asgi.py gives to the handler without middleware, where `is_inference`."""

urlpatterns = [
    path("v1/", include(_inference)),
    # Cohere's client of today.
    path("v2/rerank", RerankView.as_view()),
    path("api/v1/llm/", include([*_personal, *_inference])),
    path("api/v1/llm/keys", KeyListView.as_view(), name="keys"),
    path("api/v1/llm/keys/revoke", KeysRevokeView.as_view(), name="revoke-keys"),
    path("api/v1/llm/keys/<int:pk>", KeyView.as_view(), name="key"),
    path("api/v1/llm/keys/<int:pk>/rotate", KeyRotateView.as_view(), name="rotate-key"),
    path("api/v2/llm/", include(_routed)),
    path("api/v1/llm/providers", OwnKeyListView.as_view(), name="own_keys"),
    path("api/v1/llm/providers/available", AvailableProvidersView.as_view()),
    path("api/v1/llm/providers/<int:pk>", OwnKeyView.as_view(), name="own_key"),
    path("api/v1/llm/providers/<int:pk>/test", OwnKeyTestView.as_view()),
    path("api/v1/llm/providers/<int:pk>/rotate", OwnKeyRotateView.as_view()),
    path("api/v1/llm/credits/margin", MarginView.as_view(), name="margin"),
    path("api/v1/llm/usage", UsageView.as_view(), name="usage"),
    path("api/v1/llm/usage/requests", RequestsView.as_view(), name="usage-requests"),
    path("api/v1/llm/usage/requests/<uuid:pk>", ReceiptView.as_view(), name="usage-request"),
    path("api/v1/llm/usage/export", UsageExportView.as_view(), name="usage-export"),
    path("api/v1/auth/login", LoginView.as_view(), name="login"),
    path("api/v1/auth/reauthenticate", ReauthenticateView.as_view(), name="reauthenticate"),
]


def is_inference(path: str, method: str, query: bytes) -> bool:
    return path.startswith(INFERENCE_PREFIXES) and not (path.startswith(MODELS) and is_management(method, query))
