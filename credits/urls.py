"""Under /api/v1/llm/."""

from django.urls import path

from credits.views.adjustments import AddView, AdjustmentListView, AdjustmentView, ApproveView, DeclineView
from credits.views.balance import CreditsView
from credits.views.transactions import TransactionsView

app_name = "credits"
urlpatterns = [
    path("credits", CreditsView.as_view(), name="credits"),
    path("credits/transactions", TransactionsView.as_view(), name="transactions"),
    path("credits/add", AddView.as_view(), name="add"),
    path("credits/adjustments", AdjustmentListView.as_view(), name="adjustments"),
    path("credits/adjustments/<uuid:pk>", AdjustmentView.as_view(), name="adjustment"),
    path("credits/adjustments/<uuid:pk>/approve", ApproveView.as_view(), name="approve-adjustment"),
    path("credits/adjustments/<uuid:pk>/decline", DeclineView.as_view(), name="decline-adjustment"),
]
