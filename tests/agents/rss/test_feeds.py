"""The list of feeds: what it may say, and mistakes with their lines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agents.base import BadConfiguration
from agents.rss.feeds import parse_feeds, read_feeds

EXAMPLE = Path(__file__).parents[3] / "examples" / "feeds.example.yaml"


def test_the_example_is_valid() -> None:
    feeds = read_feeds(EXAMPLE)
    assert feeds[0].interval == timedelta(minutes=5) and feeds[0].source == "news"
    assert feeds[1].own and feeds[1].source == "rss"


MISTAKES = [
    ("feeds:\n  - name: x\n", r"f:2: feeds\.0\.url: Field required"),
    ("feeds:\n  - url: https://a.example\n    intervall: 5m\n", r"f:3: feeds\.0\.intervall: Extra inputs"),
    ("feeds:\n  - url: https://a.example\n\n    interval: 1s\n", r"f:4: feeds\.0\.interval: .*greater than"),
    ("feeds:\n  - url: file:///etc/passwd\n", r"f:2: feeds\.0\.url: .*scheme"),
    ("feeds:\n  - url: https://a.example\n    source: 'a:b'\n", r"f:3: feeds\.0\.source"),
    (
        "feeds:\n  - url: https://a.example\n  - url: https://a.example/\n",
        r"f:3: .* stands in line 2 already",
    ),
    ("feeds: []\n", r"f:1: feeds"),
    ("feed:\n  - url: https://a.example\n", r"f:1: "),
    ("", r"f:1: the file"),
    ("- a\n", r"f:1: the file"),
    ("feeds:\n  - url: [\n", r"f:3: not YAML"),
    ("a: \x00", r"f:1: not YAML"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        parse_feeds(text, "f")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read_feeds(tmp_path / "none.yaml")


def test_intervals_have_units() -> None:
    feeds = parse_feeds(
        "feeds:\n"
        + "".join(
            f"  - {{url: 'https://a.example/{i}', interval: {i}}}\n" for i in ("90s", "2m", "1h", "1d", "60")
        ),
        "f",
    )
    assert [feed.interval.total_seconds() for feed in feeds] == [90, 120, 3600, 86_400, 60]
