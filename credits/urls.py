"""Under /api/v1/llm/."""

from django.urls import path

from credits.views.balance import CreditsView
from credits.views.transactions import TransactionsView

app_name = "credits"
urlpatterns = [
    path("credits", CreditsView.as_view(), name="credits"),
    path("credits/transactions", TransactionsView.as_view(), name="transactions"),
]
