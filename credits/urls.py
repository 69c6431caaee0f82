"""Under /api/v1/llm/."""

from django.urls import path

from credits.views import CreditsView

app_name = "credits"
urlpatterns = [path("credits", CreditsView.as_view(), name="credits")]
