"""Ops-Center: the composition of its apps, and what spans them."""

from opscenter.celery import app as celery_app

__all__ = ["celery_app"]
