"""What is read of Stripe's objects, and what is kept of an event: nothing about the buyer's person or card."""

from typing import Any
from uuid import UUID

PURCHASE = "opscenter_purchase"
PACKAGE = "opscenter_package"
REVERSAL = "opscenter_reversal"
"""Keys of the metadata that sessions, payments and refunds of ours carry."""

_OURS = (PURCHASE, PACKAGE, REVERSAL)
_OF_EVENTS = ("id", "object", "type", "livemode", "created", "api_version", "account")
_OF_OBJECTS = {
    *("id", "object", "mode", "status", "payment_status", "amount", "amount_total", "amount_refunded", "currency"),
    *("created", "livemode", "charge", "payment_intent", "client_reference_id", "reason", "failure_reason"),
}
_OF_MOVEMENTS = ("id", "amount", "currency")
_LONGEST_TEXT = 500


def kept(event: dict[str, Any]) -> dict[str, Any]:
    """Of `event`, what applying it needs, and what finding it at Stripe needs. Of metadata, what is ours."""
    described = {name: event[name] for name in _OF_EVENTS if name in event}
    return described | {"data": {"object": _object(event["data"]["object"])}}


def _object(thing: dict[str, Any]) -> dict[str, Any]:
    told = {name: _short(value) for name, value in thing.items() if name in _OF_OBJECTS}
    if isinstance(metadata := thing.get("metadata"), dict):
        told["metadata"] = {name: _short(metadata[name]) for name in _OURS if name in metadata}
    if isinstance(movements := thing.get("balance_transactions"), list):
        told["balance_transactions"] = [{name: one.get(name) for name in _OF_MOVEMENTS} for one in movements]
    refunds = thing.get("refunds")
    if isinstance(refunds, dict) and isinstance(refunds.get("data"), list):
        told["refunds"] = {"data": [_object(one) for one in refunds["data"]], "has_more": refunds.get("has_more")}
    return told


def _short(value: Any) -> Any:
    """Of an object, its id alone."""
    if isinstance(value, str):
        return value[:_LONGEST_TEXT]
    if isinstance(value, dict | list):
        return id_of(value) or None
    return value


def id_of(reference: Any) -> str:
    """Of what is an id, or the object where Stripe was asked to expand it; "" for none."""
    if isinstance(reference, dict):
        reference = reference.get("id")
    return reference if isinstance(reference, str) else ""


def payment_of(thing: dict[str, Any]) -> str:
    """The payment intent that a session, charge, refund or dispute belongs to."""
    return id_of(thing.get("payment_intent"))


def named(thing: dict[str, Any], key: str) -> UUID | None:
    """The id of ours that its metadata gives under `key`."""
    metadata = thing.get("metadata")
    return uuid_of(metadata.get(key)) if isinstance(metadata, dict) else None


def uuid_of(text: Any) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
