"""`serve`: the web processes alone. Plain HTTP; a proxy in front may speak TLS."""

import logging
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from llmconfig.proxy import master_key
from opscenter import bootstrap, workers
from opscenter.connection import Connection
from opscenter.core.audit import Actor, acting_as
from opscenter.processes import port_is_free

log = logging.getLogger(__name__)

# A worker that is merely starved of CPU must not be killed with its calls; a dead one is seen within a second.
_WORKER_SILENCE_S = 10


class Command(BaseCommand):
    help = "Serve HTTP with WEB_CONCURRENCY worker processes until SIGTERM or SIGINT. SIGHUP replaces them one by one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - a server's default
        parser.add_argument("--port", type=int, default=settings.PORT, help="PORT unless given")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        if problem := master_key.problem():
            raise CommandError(problem)
        logging.captureWarnings(True)
        refuse_used_port(host, port)
        self._prepare_database()
        connections.close_all()
        workers.serve(configuration(host, port))

    def _prepare_database(self) -> None:
        """Refuses to start on an unfinished schema. A database that is away is waited for: readiness says so, and what
        the environment names is taken over by the next start."""
        try:
            executor = MigrationExecutor(connection)
            pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
            if not pending:
                self.check(databases=["default"])
                with acting_as(Actor.command("serve")):
                    bootstrap.provide()
        except DatabaseError as error:
            log.warning("the database does not answer; calls are refused until it does: %s", error)
            return
        if pending:
            raise CommandError(f"{len(pending)} migrations are not applied: run `manage.py migrate` first.")


def configuration(host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        "opscenter.asgi:application",
        host=host,
        port=port,
        workers=settings.WEB_CONCURRENCY,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=settings.LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.FORWARDED_ALLOW_IPS),
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,
        timeout_keep_alive=settings.KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.SHUTDOWN_GRACE_S,
        timeout_worker_healthcheck=_WORKER_SILENCE_S,
    )


def refuse_used_port(host: str, port: int) -> None:
    """Raises CommandError where nothing could listen at `host` and `port`."""
    try:
        free = port_is_free(host, port)
    except OSError as error:
        raise CommandError(f"Can't listen on {host}: {error.strerror or error}.") from error
    if not free:
        raise CommandError(f"Port {port} is in use or not allowed: stop what listens there, or set PORT to another.")
