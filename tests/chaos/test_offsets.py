"""The ledger's own table of groups and topics leaves none of the pipeline's out."""

from __future__ import annotations

from pipeline.drain import HOPS
from tests.chaos.offsets import READ_BY


def test_every_topic_that_a_group_reads_is_judged() -> None:
    assert {group: set(topics) for group, topics in READ_BY.items()} == {
        group: set(topics) for group, topics in HOPS
    }
