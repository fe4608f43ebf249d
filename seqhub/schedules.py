"""What runs by itself, how often, and on which queue."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Schedule

from seqhub.lib import queues
from seqhub.operations.services.doorbell import ring

# Of the advisory locks that SeqHub takes, the one for changing schedules.
_LOCK = 7_061_001


@dataclass(frozen=True, slots=True)
class Tick:
    """A task that is due every so many minutes."""

    name: str
    function: str  # dotted path
    arguments: tuple[str, ...]
    queue: str
    every_minutes: int


def ticks(host: str) -> tuple[Tick, ...]:
    """All ticks that `host` needs; those of no host in particular included."""
    local, long = queues.local(host), queues.long(host)
    beat = "seqhub.operations.tasks.beat"
    day = 24 * 60
    return (
        Tick(f"scan@{host}", "runfolders.tasks.scan", (host,), local, 1),
        Tick(f"sizes@{host}", "runfolders.tasks.measure_sizes", (host,), long, 10),
        Tick(f"tend@{host}", "archiving.tasks.tend", (host,), local, 1),
        Tick(f"work@{host}", "archiving.tasks.work", (host,), long, 1),
        Tick(f"check-keys@{host}", "archiving.tasks.check_keys", (host,), local, day),
        Tick(f"drill@{host}", "archiving.tasks.drill", (host,), long, 60),
        Tick(f"beat-local@{host}", beat, (host, local), local, 1),
        Tick(f"beat-long@{host}", beat, (host, long), long, 1),
        Tick(f"launches@{host}", "turret.tasks.tend_launches", (host,), local, 1),
        Tick(f"tidy-launches@{host}", "turret.tasks.tidy_launches", (host,), local, 10),
        Tick(f"repositories@{host}", "turret.tasks.tidy_repositories", (), local, 60),
        Tick("watch", "turret.tasks.watch", (), queues.DEFAULT, 1),
        Tick("prune", "turret.tasks.prune", (), queues.DEFAULT, day),
        Tick("beat-default", beat, ("", queues.DEFAULT), queues.DEFAULT, 1),
        Tick("purge", "seqhub.operations.tasks.purge", (), queues.DEFAULT, day),
    )


def sync_schedules(host: str, *, queue: str = "") -> None:
    """Make django-q2's schedules for `host` the ones above; with `queue` only those of
    that queue, and the others stay as they are.

    A schedule that stays keeps its next run, so a restart loses no tick.
    """
    wanted = [tick for tick in ticks(host) if queue in ("", tick.queue)]
    with transaction.atomic():
        # Two hosts may start at once, and django-q2 has no unique names.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if not queue:
            Schedule.objects.filter(name__endswith=f"@{host}").exclude(
                name__in=[tick.name for tick in wanted]
            ).delete()
        for tick in wanted:
            values = {
                "func": tick.function,
                "args": repr(tick.arguments) if tick.arguments else "",
                "schedule_type": Schedule.MINUTES,
                "minutes": tick.every_minutes,
                "cluster": tick.queue,
                "repeats": -1,
            }
            Schedule.objects.update_or_create(
                name=tick.name,
                defaults=values,
                create_defaults={**values, "next_run": timezone.now()},
            )


def ring_all(host: str, *, queue: str = "") -> None:
    """Ring every doorbell once, or those of a queue: the first scheduler pass comes
    after 30 s."""
    for tick in ticks(host):
        if queue not in ("", tick.queue):
            continue
        ring(tick.function, *tick.arguments, queue=tick.queue)
