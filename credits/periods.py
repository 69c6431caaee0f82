"""Days, weeks and months of the calendar, in UTC, by which budgets and plans count."""

from datetime import UTC, datetime

DAY, WEEK, MONTH = "day", "week", "month"


def window(period: str, moment: datetime) -> str:
    """The period that `moment` is in: "2026-11-21", "2026-W47" (ISO 8601's weeks, from Monday on) or "2026-11"."""
    moment = moment.astimezone(UTC)
    if period == DAY:
        return moment.date().isoformat()
    if period == WEEK:
        year, week, _ = moment.isocalendar()
        return f"{year}-W{week:02}"
    return f"{moment.year}-{moment.month:02}"


def month_after(moment: datetime, months: int = 1) -> datetime:
    """The beginning of the month that comes `months` after that of `moment`."""
    moment = moment.astimezone(UTC)
    years, month = divmod(moment.month - 1 + months, 12)
    return datetime(moment.year + years, month + 1, 1, tzinfo=UTC)
