"""Where Stripe calls, and where it sends the buyer back to."""

import logging
from http import HTTPStatus
from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from credits import amounts
from credits.models import Purchase
from credits.stripe import checkout, client, events, signatures
from opscenter.core.errors import PayloadTooLarge, ServiceError, Unavailable
from opscenter.core.models import User

log = logging.getLogger(__name__)
MOST_BYTES = 512 * 1024


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """200 once the event is kept: what it couldn't do yet is tried again from here. Who isn't Stripe gets 400."""
    if not client.is_on():
        raise Http404
    try:
        event = signatures.verified(_body(request), request.headers.get("Stripe-Signature", ""))
        return JsonResponse({"state": events.receive(event).state})
    except (OperationalError, InterfaceError) as error:
        log.warning("An event of Stripe's couldn't be kept, it will come again: %s", error)
        return _refused(Unavailable("It can't be kept right now.", headers={"Retry-After": "5"}))
    except ServiceError as error:
        return _refused(error)


@require_GET
@never_cache
@login_required
def purchase(request: HttpRequest, id: UUID) -> HttpResponse:
    """The buyer's own purchase, after Stripe has been asked about it, unless it just was."""
    own = Purchase.objects.filter(account__user=cast(User, request.user))
    row = own.select_related("account", "package").filter(pk=id).first()
    if row is None:
        raise Http404
    try:
        row = checkout.look(row)
    except ServiceError as error:
        log.warning("Purchase %s is shown as it was: %s", row.pk, error.message)
    shown = {
        "purchase": row,
        "credits": amounts.to_text(row.credits_nano),
        "balance": amounts.to_text(row.account.posted),
        "cancelled": "cancelled" in request.GET,
    }
    return render(request, "credits/purchase.html", shown)


def _body(request: HttpRequest) -> bytes:
    """Its very bytes: the signature is over them. No more is read than they may be."""
    announced = request.headers.get("Content-Length", "0")
    body = request.read(MOST_BYTES + 1) if announced.isdecimal() and int(announced) <= MOST_BYTES else None
    if body is None or len(body) > MOST_BYTES:
        raise PayloadTooLarge(f"An event has at most {MOST_BYTES} bytes.")
    return body


def _refused(error: ServiceError) -> JsonResponse:
    return JsonResponse(error.body(), status=HTTPStatus(error.status), headers=error.headers)
