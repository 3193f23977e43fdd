"""Real tweets of 2014 through the whole pipeline: every post once, known incidents found and ended in time.

docs/spikes-2014.md tells what each spike is about. Data: ``MOLVA_DATA`` or ../shared/data.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.beside_labels import finds, wave_of
from benchmarks.detector_incidents import INCIDENTS, MOST_LATE, Incident, count, exact
from benchmarks.spikes_2014 import SPIKES, WATCHLIST
from tests.e2e.conftest import Up, await_value, running, spike_events

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MOLVA_DATA", ROOT.parent / "shared" / "data"))
POSTS = {"tweets_banks_2014.jsonl": 4847, "tweets_telecoms_2014.jsonl": 4799}
AGAIN = "tweets_banks_2014.jsonl"
COUNTS = ("published", "rejected", "posts", "mentions", "entities", "spikes", "dead_letters")

MOST_OTHERS = 7
"""1-hour spikes of negativity beyond the incidents: as many as there are; docs/spikes-2014.md judges each."""
MOST_IN_AN_HOUR = 4
"""1-hour spikes that open in one hour: the EU's sanctions hit four banks at once."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not all((DATA / name).is_file() for name in POSTS),
        reason=f"NOT CHECKED: {DATA} lacks {' or '.join(POSTS)}; name their folder in MOLVA_DATA",
    ),
]


class Replayed:
    """A file after its replay, that of `AGAIN` also after a second one: reports, what ClickHouse held."""

    def __init__(self, up: Up, name: str) -> None:
        self.timeline = f"replay:{name}"
        self.first = up.replay(DATA / name)
        self.after_first = self._stored(up)
        self.second = up.replay(DATA / name) if name == AGAIN else None
        self.after_second = self._stored(up) if name == AGAIN else None
        printed = up.run("sql", SPIKES.format(timeline=self.timeline), "--format", "JSONEachRow")
        assert printed.returncode == 0, printed.stderr
        found = [json.loads(line) for line in printed.stdout.splitlines()]
        labels = count(DATA / name, exact)
        self.spikes = [spike | wave_of(spike, found, labels) for spike in found]
        """Every spike of any resolution and signal, as the benchmark reads them."""

    def _stored(self, up: Up) -> dict[str, Any]:
        queries = {
            "posts": "SELECT count(), uniqExact(id) FROM posts WHERE timeline = %(timeline)s",
            "mentions": "SELECT count(), uniqExact(id) FROM mentions WHERE timeline = %(timeline)s",
            "labels": "SELECT object_id, label, count() FROM mentions WHERE timeline = %(timeline)s "
            "GROUP BY 1, 2 ORDER BY 1, 2",
            "rolled": "SELECT object_id, toUInt64(sum(mentions)) FROM net_sentiment "
            "WHERE timeline = %(timeline)s GROUP BY 1 ORDER BY 1",
        }
        found: dict[str, Any] = {
            part: up.rows(query, {"timeline": self.timeline}) for part, query in queries.items()
        }
        return found | {"spikes": spike_events(up, self.timeline)}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack that watches the banks and operators."""
    yield from running(Up(tmp_path_factory.mktemp("replay-2014"), watchlist=WATCHLIST))


@pytest.fixture(scope="module")
def replayed(stack: Up) -> dict[str, Replayed]:
    """Both files, `AGAIN` replayed twice."""
    return {name: Replayed(stack, name) for name in POSTS}


@pytest.mark.parametrize(("name", "posts"), POSTS.items())
def test_every_post_is_stored_exactly_once(replayed: dict[str, Replayed], name: str, posts: int) -> None:
    with (DATA / name).open(encoding="utf-8") as lines:
        assert len({json.loads(line)["id"] for line in lines}) == posts
    file = replayed[name]
    report = file.first
    assert (report["published"], report["posts"]) == (posts, posts)
    assert (report["rejected"], report["dead_letters"]) == (0, 0)
    assert file.after_first["posts"] == [(posts, posts)]
    [(mentions, unique)] = file.after_first["mentions"]
    assert mentions == unique == report["mentions"]


def test_a_second_replay_changes_nothing(replayed: dict[str, Replayed]) -> None:
    file = replayed[AGAIN]
    assert file.second is not None
    assert [file.second[part] for part in COUNTS] == [file.first[part] for part in COUNTS]
    assert file.after_second == file.after_first


def test_there_are_no_dead_letters(stack: Up, replayed: dict[str, Replayed]) -> None:
    assert len(replayed) == len(POSTS)
    assert stack.rows("SELECT stage, reason, detail FROM dead_letters") == []


@pytest.mark.parametrize("incident", INCIDENTS, ids=str)
def test_a_known_incident_is_found_and_ends_soon_after_its_wave(
    replayed: dict[str, Replayed], incident: Incident
) -> None:
    every = [spike for file in replayed.values() for spike in file.spikes]
    [found] = [spike for spike in every if finds(incident, spike)]
    assert found["hours_after_wave"] is not None, "it was never resolved"
    assert abs(found["hours_after_wave"]) <= MOST_LATE, found


@pytest.mark.parametrize(
    ("incident", "about"), [(INCIDENTS[0], "санкци"), (INCIDENTS[-1], "Крым")], ids=["sberbank", "mts"]
)
def test_people_read_what_it_is_about(
    stack: Up, replayed: dict[str, Replayed], incident: Incident, about: str
) -> None:
    every = [spike for file in replayed.values() for spike in file.spikes]
    [opened_at] = [spike["opened_at"] for spike in every if finds(incident, spike)]
    query = """
        SELECT text_ru FROM alerts
        WHERE arrayExists(
            (object, at) -> object = %(object)s AND at = toDateTime64(%(at)s, 3, 'UTC'),
            spikes.object_id, spikes.opened_at
        )
    """
    asked = {"object": incident.name, "at": opened_at}
    told = await_value(lambda: stack.rows(query, asked))
    assert any(about in text for (text,) in told), told


def test_few_other_spikes_open(replayed: dict[str, Replayed]) -> None:
    kind = ("1h", "negativity")
    every = [spike for file in replayed.values() for spike in file.spikes]
    hourly = [spike for spike in every if (spike["resolution"], spike["signal"]) == kind]
    others = [spike for spike in hourly if not any(finds(incident, spike) for incident in INCIDENTS)]
    assert len(others) <= MOST_OTHERS, others
    opened = Counter(spike["opened_at"] for spike in hourly)
    assert max(opened.values()) <= MOST_IN_AN_HOUR, opened
