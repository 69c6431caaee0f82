"""One Stripe account: sessions, payments, refunds and disputes, and the events that tell of them.

What buyers, banks and the dashboard do are its methods; what the API is asked for comes by server.py.
"""

import itertools
import threading
import time
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Thing = dict[str, Any]


class Refused(Exception):
    """An answer of the API's that is no success."""

    def __init__(self, status: int, code: str, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "code": code, "message": message}


@dataclass
class StripeAccount:
    """`events` are in the order in which they happened; each is as it was then."""

    livemode: bool = False
    url: str = ""
    secret_key: str = ""
    sessions: dict[str, Thing] = field(default_factory=dict)
    charges: dict[str, Thing] = field(default_factory=dict)
    refunds: dict[str, Thing] = field(default_factory=dict)
    disputes: dict[str, Thing] = field(default_factory=dict)
    events: list[Thing] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _numbers: Any = field(default_factory=lambda: itertools.count(1), repr=False)

    # --- what the API is asked for ---

    def open_session(self, asked: Thing) -> Thing:
        (item,) = asked["line_items"].values()
        price = item["price_data"]
        if asked["mode"] != "payment" or int(price["unit_amount"]) < 50 or not price["product_data"]["name"]:
            raise Refused(400, "parameter_invalid_integer", "Amount must convert to at least 50 cents.")
        id = self._id("cs_test_")
        self.sessions[id] = {
            "id": id,
            "object": "checkout.session",
            "mode": asked["mode"],
            "status": "open",
            "payment_status": "unpaid",
            "amount_total": int(price["unit_amount"]) * int(item["quantity"]),
            "currency": price["currency"],
            "client_reference_id": asked.get("client_reference_id"),
            "metadata": asked.get("metadata", {}),
            "payment_intent": None,
            "livemode": self.livemode,
            "created": self._now(),
            "url": f"https://checkout.stripe.example/{id}",
            "success_url": asked["success_url"],
            "cancel_url": asked["cancel_url"],
            "customer_details": {"email": asked.get("customer_email"), "name": "Alice Buyer"},
        }
        return self.sessions[id]

    def make_refund(self, asked: Thing) -> Thing:
        charge = self.charge_of(asked["payment_intent"])
        amount = int(asked.get("amount") or charge["amount"] - charge["amount_refunded"])
        return self.refund(charge["payment_intent"], amount, metadata=asked.get("metadata", {}))

    # --- what buyers do ---

    def pay(self, session_id: str, *, status: str = "paid", **facts: Any) -> Thing:
        """The session's page is filled in. `status` "unpaid" is a way of paying that takes days."""
        with self.lock:
            session, payment = self.sessions[session_id], self._id("pi_")
            session.update(status="complete", payment_status=status, payment_intent=payment, **facts)
            if status == "paid":
                self._charge(session)
            self._tell("checkout.session.completed", session)
            return session

    def arrive(self, session_id: str) -> Thing:
        with self.lock:
            session = self.sessions[session_id]
            session["payment_status"] = "paid"
            self._charge(session)
            self._tell("checkout.session.async_payment_succeeded", session)
            return session

    def bounce(self, session_id: str) -> Thing:
        with self.lock:
            self._tell("checkout.session.async_payment_failed", self.sessions[session_id])
            return self.sessions[session_id]

    def expire(self, session_id: str) -> Thing:
        with self.lock:
            self.sessions[session_id]["status"] = "expired"
            self._tell("checkout.session.expired", self.sessions[session_id])
            return self.sessions[session_id]

    # --- what is done in the dashboard ---

    def refund(self, payment: str, amount: int, *, status: str = "succeeded", metadata: Thing | None = None) -> Thing:
        with self.lock:
            charge = self.charge_of(payment)
            if charge["disputed"]:
                raise Refused(400, "charge_disputed", "Charge has been charged back; cannot issue a refund.")
            if charge["amount_refunded"] + amount > charge["amount"]:
                raise Refused(400, "charge_already_refunded", "Refund amount is greater than unrefunded amount.")
            charge["amount_refunded"] += amount
            id = self._id("re_")
            self.refunds[id] = {
                "id": id,
                "object": "refund",
                "amount": amount,
                "currency": charge["currency"],
                "charge": charge["id"],
                "payment_intent": payment,
                "metadata": metadata or {},
                "reason": None,
                "status": status,
                "created": self._now(),
            }
            self._tell("refund.created", self.refunds[id])
            self._tell("charge.refunded", charge)
            return self.refunds[id]

    def confirm_refund(self, id: str) -> Thing:
        return self._change_refund(id, "refund.updated", status="succeeded")

    def fail_refund(self, id: str) -> Thing:
        """The buyer's bank sends the money back, days later."""
        charge = self.charge_of(self.refunds[id]["payment_intent"])
        charge["amount_refunded"] -= self.refunds[id]["amount"]
        self._change_refund(id, "refund.updated", status="failed", failure_reason="lost_or_stolen_card")
        return self._change_refund(id, "refund.failed")

    # --- what banks do ---

    def dispute(self, payment: str, amount: int | None = None, *, inquiry: bool = False) -> Thing:
        with self.lock:
            charge, id = self.charge_of(payment), self._id("dp_")
            self.disputes[id] = {
                "id": id,
                "object": "dispute",
                "amount": amount or charge["amount"],
                "currency": charge["currency"],
                "charge": charge["id"],
                "payment_intent": payment,
                "balance_transactions": [],
                "livemode": self.livemode,
                "reason": "fraudulent",
                "status": "warning_needs_response" if inquiry else "needs_response",
                "evidence": {"customer_name": "Alice Buyer"},
                "metadata": {},
                "created": self._now(),
            }
            if inquiry:
                self._tell("charge.dispute.created", self.disputes[id])
                return self.disputes[id]
            charge["disputed"] = True
            self.move(id, -self.disputes[id]["amount"])
            self._tell("charge.dispute.created", self.disputes[id])
            self._tell("charge.dispute.funds_withdrawn", self.disputes[id])
            return self.disputes[id]

    def win(self, id: str) -> Thing:
        with self.lock:
            self.disputes[id]["status"] = "won"
            self.move(id, self.disputes[id]["amount"])
            self._tell("charge.dispute.closed", self.disputes[id])
            self._tell("charge.dispute.funds_reinstated", self.disputes[id])
            return self.disputes[id]

    def lose(self, id: str, *, reinstated: int = 0) -> Thing:
        """A part comes back where that part had been refunded before."""
        with self.lock:
            self.disputes[id]["status"] = "lost"
            if reinstated:
                self.move(id, reinstated)
                self._tell("charge.dispute.funds_reinstated", self.disputes[id])
            self._tell("charge.dispute.closed", self.disputes[id])
            return self.disputes[id]

    def drop_inquiry(self, id: str) -> Thing:
        with self.lock:
            self.disputes[id]["status"] = "warning_closed"
            self._tell("charge.dispute.closed", self.disputes[id])
            return self.disputes[id]

    # --- telling ---

    def charge_of(self, payment: str) -> Thing:
        for charge in self.charges.values():
            if charge["payment_intent"] == payment:
                return charge
        raise Refused(404, "resource_missing", f"No such payment_intent: '{payment}'")

    def event(self, type: str, thing: Thing, **facts: Any) -> Thing:
        """One that never happened, but looks as if it had."""
        return {
            "id": self._id("evt_"),
            "object": "event",
            "type": type,
            "api_version": "2026-08-26.dahlia",
            "livemode": self.livemode,
            "created": self._now(),
            "data": {"object": deepcopy(thing)},
        } | facts

    def events_of(self, *types: str) -> list[Thing]:
        return [event for event in self.events if event["type"] in types]

    def _charge(self, session: Thing) -> None:
        id = self._id("ch_")
        self.charges[id] = {
            "id": id,
            "object": "charge",
            "amount": session["amount_total"],
            "amount_refunded": 0,
            "currency": session["currency"],
            "payment_intent": session["payment_intent"],
            "disputed": False,
            "livemode": self.livemode,
            "billing_details": {"name": "Alice Buyer"},
            "created": self._now(),
        }

    def _change_refund(self, id: str, type: str, **facts: Any) -> Thing:
        with self.lock:
            self.refunds[id].update(facts)
            self._tell(type, self.refunds[id])
            return self.refunds[id]

    def move(self, dispute_id: str, amount: int) -> None:
        movement = {"id": self._id("txn_"), "amount": amount, "currency": "usd", "fee": 1500}
        self.disputes[dispute_id]["balance_transactions"].append(movement)

    def _tell(self, type: str, thing: Thing) -> None:
        self.events.append(self.event(type, thing))

    def _id(self, prefix: str) -> str:
        with self.lock:
            return f"{prefix}{next(self._numbers):08d}"

    def _now(self) -> int:
        return int(time.time())
