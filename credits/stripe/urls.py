"""Outside the API: the webhook, and the page that buyers come back to."""

from django.urls import path

from credits.stripe import pages

urlpatterns = [
    path("stripe/webhook", pages.webhook, name="stripe-webhook"),
    path("credits/purchases/<uuid:id>", pages.purchase, name="purchase"),
]
