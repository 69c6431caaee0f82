"""Under /api/v1/llm/."""

from django.urls import path

from credits.stripe.views import PackageListView, PurchaseView, RefundView
from credits.views.adjustments import AddView, AdjustmentListView, AdjustmentView, ApproveView, DeclineView
from credits.views.balance import CreditsView
from credits.views.plans import PlanListView, SetPlanView
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
    path("credits/packages", PackageListView.as_view(), name="packages"),
    path("credits/plans", PlanListView.as_view(), name="plans"),
    path("credits/plan", SetPlanView.as_view(), name="set-plan"),
    path("credits/purchase", PurchaseView.as_view(), name="purchase"),
    path("credits/purchases/<uuid:id>/refund", RefundView.as_view(), name="refund"),
]
