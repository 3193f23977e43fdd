"""Dead letters in ClickHouse, and the journal of what was done about them (``dead_letter_actions``).

The journal makes replays idempotent. A record is claimed before it is sent and noted afterwards, so a run
that died in between leaves a claim: the next one looks behind the claim's place before it sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pipeline.dead_letters.choice import HASH_DIGITS, Choice, Found, Group
from pipeline.sink.clickhouse import ROOM, Clients
from schemas import DeadLetter

Action = Literal["claimed", "released", "replayed", "purged"]
LETTERS = f"""
    SELECT *, coalesce(nullIf(extract(origin, '^(.+):[0-9]+:[0-9]+$'), ''),
                       extract(origin, '^(.*):[^:]*$')) AS source,
           if(done.what = '', 'open', done.what) AS state
    FROM (SELECT *, concat(origin, '#', substring(payload_sha256, 1, {HASH_DIGITS})) AS record
          FROM dead_letters) AS letters
    LEFT JOIN (
        SELECT record, if(countIf(action = 'purged') > 0, 'purged', 'replayed') AS what,
               anyIf(concat(topic, ':', toString(partition), ':', toString(offset)),
                     action = 'replayed') AS resent
        FROM dead_letter_actions WHERE action IN ('replayed', 'purged') GROUP BY record
    ) AS done USING record
"""
_FIELDS = (
    "id",
    "stage",
    "origin",
    "reason",
    "detail",
    "payload",
    "payload_size",
    "payload_sha256",
    "failed_at",
)


class Claim(NamedTuple):
    """A run was about to send a record to this partition, whose end was ``offset``, ``age`` seconds ago."""

    run: str
    topic: str
    partition: int
    offset: int
    age: float


class Standing(NamedTuple):
    """What the journal knows of a record: where it was sent again, and claims whose end nobody has noted."""

    resent: str | None
    claims: tuple[Claim, ...]


NOTHING = Standing(None, ())


class Note(NamedTuple):
    """A row of the journal."""

    record: str
    topic: str = ""
    partition: int = 0
    offset: int = 0


class Store:
    """Every method raises `pipeline.sink.clickhouse.SinkError` where ClickHouse does not answer."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def groups(self, choice: Choice) -> list[Group]:
        """How many of which kind, the most frequent first."""
        where, parameters = choice.condition()
        query = f"""
            SELECT stage, reason, source, count() AS letters, min(failed_at), max(failed_at),
                   argMax(id, failed_at), argMax(detail, failed_at)
            FROM ({LETTERS}) WHERE {where}
            GROUP BY stage, reason, source ORDER BY letters DESC, stage, reason, source"""
        with self._clients.client() as client:
            rows = client.execute(query, parameters)
        return [
            Group(stage, reason, source, count, _utc(oldest), _utc(newest), newest_id, detail)
            for stage, reason, source, count, oldest, newest, newest_id, detail in rows
        ]

    def letters(self, choice: Choice, limit: int | None = None) -> list[Found]:
        """The chosen letters, the newest first, at most ``limit``."""
        where, parameters = choice.condition()
        query = f"""
            SELECT {", ".join(_FIELDS)}, state, resent FROM ({LETTERS}) WHERE {where}
            ORDER BY failed_at DESC, id {"" if limit is None else f"LIMIT {limit:d}"}"""
        with self._clients.client() as client:
            rows = client.execute(query, parameters)
        return [
            Found(_letter(dict(zip(_FIELDS, cells, strict=True))), state, resent)
            for *cells, state, resent in rows
        ]

    def standing(self, records: Sequence[str]) -> Mapping[str, Standing]:
        """What was done about records, by record; those of which nothing is known are not in it."""
        query = """
            SELECT record, toString(action), run, topic, partition, offset,
                   (toUnixTimestamp64Milli(now64(3)) - toUnixTimestamp64Milli(at)) / 1000
            FROM dead_letter_actions FINAL WHERE record IN asked AND action != 'purged' ORDER BY at"""
        asked = {"name": "asked", "structure": [("record", "String")], "data": [(each,) for each in records]}
        with self._clients.client() as client:
            rows = client.execute(query, external_tables=[asked])
        found: dict[str, Standing] = {}
        over = {(record, run) for record, action, run, *_ in rows if action == "released"}
        for record, action, run, topic, partition, offset, age in rows:
            before = found.get(record, NOTHING)
            if action == "replayed":
                found[record] = before._replace(resent=f"{topic}:{partition}:{offset}")
            elif action == "claimed" and (record, run) not in over:
                claim = Claim(run, topic, partition, offset, age)
                found[record] = before._replace(claims=(*before.claims, claim))
        return found

    def note(self, action: Action, run: str, notes: Iterable[Note]) -> None:
        """Write into the journal; durable when it returns."""
        rows = [(note.record, action, run, *note[1:]) for note in notes]
        if not rows:
            return
        with self._clients.client() as client:
            client.execute(
                "INSERT INTO dead_letter_actions (record, action, run, topic, partition, offset) VALUES",
                rows,
                settings={"async_insert": 0, **ROOM},
            )

    def delete(self, ids: Sequence[str]) -> None:
        """Remove letters from the table for good; needs the right ALTER DELETE."""
        with self._clients.client() as client:
            client.execute(
                "ALTER TABLE dead_letters DELETE WHERE id IN %(ids)s",
                {"ids": tuple(ids)},
                settings={"mutations_sync": 1},
            )


def _letter(cells: Mapping[str, object]) -> DeadLetter:
    """A row as the record that it was; the table's rows were valid when they came."""
    failed_at = cells["failed_at"]
    assert isinstance(failed_at, datetime)
    return DeadLetter.model_validate({**cells, "failed_at": _utc(failed_at)})


def _utc(moment: datetime) -> datetime:
    """clickhouse-driver gives aware moments for DateTime64 with a zone."""
    return moment.astimezone(UTC)
