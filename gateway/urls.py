"""The gateway's routes. Inference endpoints stand under /v1 and under /api/v1/llm alike."""

from django.urls import include, path

from gateway.views.chat import ChatCompletionsView
from gateway.views.login import LoginView
from gateway.views.models import ModelsView, ModelView
from gateway.views.reauthenticate import ReauthenticateView

_inference = [
    path("chat/completions", ChatCompletionsView.as_view()),
    path("models", ModelsView.as_view()),
    path("models/<path:name>", ModelView.as_view()),
]
INFERENCE_PREFIXES = ("/v1/", "/api/v1/llm/chat/", "/api/v1/llm/models")
"""Paths that opscenter/asgi.py gives to the handler without middleware."""

urlpatterns = [
    path("v1/", include(_inference)),
    path("api/v1/llm/", include(_inference)),
    path("api/v1/auth/login", LoginView.as_view(), name="login"),
    path("api/v1/auth/reauthenticate", ReauthenticateView.as_view(), name="reauthenticate"),
]
