"""What operators are told of the books: what calls cost them, what checks find, what Stripe's events contradict."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Sum
from django.utils import timezone

from credits import amounts
from credits.ledger.postings import OVERRUN
from credits.models import Account, Entry, LedgerCheck, StripeEvent
from opscenter.core import alerts
from opscenter.core.alerts.news import News, lines, page_of, utc

_MOST_FINDINGS = 10


def of_overruns(*, now: datetime | None = None) -> bool:
    """Once a day (UTC), where calls cost more than was held for them; whether there were any."""
    now = now or timezone.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    account = Account.objects.filter(code=OVERRUN).first()
    today = Entry.objects.filter(account=account, journal__created_at__gte=midnight)
    spent = -(today.aggregate(total=Sum("amount"))["total"] or 0)
    if account is None or spent <= 0:
        return False
    credits, day = amounts.to_text(spent), f"{midnight:%Y-%m-%d}"
    headline = f"Calls of {day} cost {credits} credits more than was held for them"
    text = lines(f"{headline}, so far: the operator pays that.", url := page_of(account))
    data = {"day": day, "credits": credits, "url": url}
    alerts.tell_operators(News("credits.overrun", day, now, headline, text, data))
    return True


def of_problems(check: LedgerCheck) -> None:
    """In the transaction that keeps what the check found."""
    if not check.problems or check.finished_at is None:
        return
    headline = f"The ledger is wrong: {check.problems} problems"
    text = lines(f"{headline}.", *check.findings[:_MOST_FINDINGS], url := page_of(check))
    data = {"check_id": check.pk, "problems": check.problems, "findings": check.findings[:_MOST_FINDINGS], "url": url}
    alerts.tell_operators(News("credits.ledger_wrong", str(check.pk), check.finished_at, headline, text, data))


def of_stripe_event(event: StripeEvent) -> None:
    """That it was refused or failed; of each once, however often it is tried. In the transaction that notes it."""
    headline = f"Stripe's event {event.pk} ({event.type}) was {event.state}"
    text = lines(f"{headline}: no credits were moved.", event.error[:300], f"It is of {utc(event.created)}.")
    data = {"event_id": event.pk, "type": event.type, "state": event.state, "error": event.error[:300]}
    about = f"{event.pk}:{event.state}"[-120:]
    alerts.tell_operators(News("credits.stripe_event", about, timezone.now(), headline, text, data))


def of_stripe_delays(texts: Sequence[str], *, now: datetime | None = None) -> None:
    """Once a day (UTC) in which something waits for too long."""
    now = now or timezone.now()
    if not texts:
        return
    headline, day = "What Stripe was to settle has waited for too long", f"{now:%Y-%m-%d}"
    data = {"day": day, "found": list(texts)}
    alerts.tell_operators(News("credits.stripe_overdue", day, now, headline, lines(f"{headline}.", *texts), data))
