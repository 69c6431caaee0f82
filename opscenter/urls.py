"""Every route of the monolith."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, reverse_lazy
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from llmconfig import urls as llmconfig_urls
from opscenter import health, scraping
from opscenter.core.signin.views import admin_login

urlpatterns = [
    # First, because only these are called a thousand times a second.
    path("", include("gateway.urls")),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", scraping.scrape, name="metrics"),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    # For browsers that show an answer without a page, and so without a link to it.
    path("favicon.ico", RedirectView.as_view(url=settings.FAVICON_URL)),
    path("accounts/", include("opscenter.core.signin.urls")),
    path("admin/login/", admin_login),
    path("admin/password_change/", RedirectView.as_view(url=reverse_lazy("account_change_password"))),
    path("admin/", admin.site.urls),
    path("api/v1/llm-config/", include("llmconfig.urls")),
    path("api/v1/admin/", include(llmconfig_urls.platform_keys)),
    path("api/v1/llm/", include("credits.urls")),
    path("", include("credits.stripe.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs",
        SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="api_docs.html"),
        name="docs",
    ),
]

handler400 = "opscenter.error_pages.bad_request"
handler403 = "opscenter.error_pages.forbidden"
handler404 = "opscenter.error_pages.not_found"
handler500 = "opscenter.error_pages.server_error"
