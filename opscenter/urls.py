"""Every route of the monolith."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from opscenter import health

urlpatterns = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/llm-config/", include("llmconfig.urls")),
    path("api/v1/llm/", include("credits.urls")),
    path("", include("gateway.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

handler400 = "opscenter.error_pages.bad_request"
handler403 = "opscenter.error_pages.forbidden"
handler404 = "opscenter.error_pages.not_found"
handler500 = "opscenter.error_pages.server_error"
