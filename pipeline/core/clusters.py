"""Clusters of near-duplicates within a sliding window of event time, as a stream of posts goes by.

Enrichment asks once per post, in the order of the raw partition. The state is in memory: after a restart,
and for posts of other partitions that another worker reads, a cluster gets a second id. What is exact is
the fingerprint that every post carries (``docs/clickhouse.md`` has the query that joins such clusters
again).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pipeline.core.fingerprint import Fingerprint, needed

WINDOW: Final = timedelta(hours=72)
MAX_CLUSTERS: Final = 50_000
"""About 80 MB. Beyond, what was not seen for the longest time is forgotten: the window is then shorter."""


@dataclass(slots=True, eq=False)
class _Cluster:
    id: str
    keys: list[int]
    newest: datetime


class Clusters:
    """The near-duplicates of the window; the answers depend on nothing but the posts and their order.

    A post belongs to the cluster whose *first* post it resembles. Later posts do not widen a cluster: else
    texts that share a turn of phrase with one another would chain it from topic to topic.
    """

    def __init__(self, window: timedelta = WINDOW, max_clusters: int = MAX_CLUSTERS) -> None:
        self._window = window
        self._max_clusters = max_clusters
        self._timelines: dict[str, int] = {}
        self._owners: dict[int, _Cluster] = {}  # by timeline and hash
        self._clusters: dict[_Cluster, None] = {}  # the longest unseen first

    def __len__(self) -> int:
        """How many clusters are remembered."""
        return len(self._clusters)

    def assign(self, post_id: str, timeline: str, moment: datetime, fingerprint: Fingerprint) -> str:
        """The id of the first post of this post's cluster; its own where it resembles none; "" without words.

        Args:
            moment: when the post was published. A cluster is open for the window after its newest post, and
                as long before it, because posts come out of order.
        """
        if not fingerprint:
            return ""
        space = self._timelines.setdefault(timeline, len(self._timelines)) << 32
        keys = [space | number for number in fingerprint]
        cluster = self._find(keys, moment, needed(fingerprint))
        if cluster is None:
            return self._open(_Cluster(post_id, keys, moment))
        if moment > cluster.newest:
            cluster.newest = moment
        del self._clusters[cluster]
        self._clusters[cluster] = None
        return cluster.id

    def _find(self, keys: list[int], moment: datetime, votes_needed: int) -> _Cluster | None:
        votes: dict[_Cluster, int] = {}
        for key in keys:
            cluster = self._owners.get(key)
            if cluster is not None and self._is_open(cluster, moment):
                votes[cluster] = votes.get(cluster, 0) + 1
        best = max(votes, key=votes.__getitem__, default=None)  # of equals the first
        return best if best is not None and votes[best] >= votes_needed else None

    def _open(self, cluster: _Cluster) -> str:
        for key in cluster.keys:
            owner = self._owners.get(key)
            if owner is None or not self._is_open(owner, cluster.newest):
                self._owners[key] = cluster
        self._clusters[cluster] = None
        if len(self._clusters) > self._max_clusters:
            self._forget(next(iter(self._clusters)))
        return cluster.id

    def _is_open(self, cluster: _Cluster, moment: datetime) -> bool:
        return abs(moment - cluster.newest) <= self._window

    def _forget(self, cluster: _Cluster) -> None:
        del self._clusters[cluster]
        for key in cluster.keys:
            if self._owners.get(key) is cluster:
                del self._owners[key]
