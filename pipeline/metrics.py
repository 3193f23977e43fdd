"""Every metric that Molva exports, in one place; ``docs/metrics.md`` is made from this module.

A process builds one `Metrics` and passes it down; `pipeline.endpoint` serves it to Prometheus.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SIZES = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536)


class Metrics:
    """The collectors of one process. All times are seconds, all sizes are records."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self.records_in = self._counter("molva_records_in", "Records read", "stage", "topic")
        self.records_out = self._counter(
            "molva_records_out", "Records written and confirmed", "stage", "topic"
        )
        self.dead_letters = self._counter("molva_dead_letters", "Records given up", "stage", "reason")
        self.dead_letter_storm = self._gauge(
            "molva_dead_letter_storm", "1: the stage has stopped, it gives up too many records", "stage"
        )
        self.batch_size = self._histogram("molva_batch_size_records", "Records per batch", SIZES, "stage")
        self.stage_seconds = self._histogram(
            "molva_stage_seconds", "Time to process one batch or event", SECONDS, "stage"
        )
        self.end_to_end_seconds = self._histogram(
            "molva_end_to_end_seconds", "From collection to the end of the stage", SECONDS, "stage"
        )
        self.mentions_decided = self._counter(
            "molva_mentions_decided", "Mentions by the sentiment model that decided", "model"
        )
        self.strong_tier_shed = self._counter(
            "molva_strong_tier_shed_posts", "Posts that were late and answered by the fast tier alone"
        )
        self.consumer_lag = self._gauge(
            "molva_consumer_lag_records", "Records not yet processed", "stage", "topic", "partition"
        )
        self.sink_retries = self._counter("molva_sink_retries", "Inserts tried again", "table")
        self.rows_skipped = self._counter("molva_sink_rows_skipped", "Rows already in ClickHouse", "table")
        self.spikes_open = self._gauge("molva_spikes_open", "Spikes open now", "resolution")
        self.spike_events = self._counter(
            "molva_spike_events", "Spike events emitted", "status", "resolution"
        )
        self.late_mentions = self._counter("molva_late_mentions", "Mentions behind their watermark", "source")
        self.baselines = self._counter(
            "molva_baselines",
            "Pasts of objects that detection was given, by outcome: learned, repeated, old, open, empty",
            "resolution",
            "outcome",
        )
        self.watermark = self._gauge(
            "molva_watermark_timestamp_seconds", "Newest event time that detection has closed", "timeline"
        )
        self.worker_ready = self._gauge(
            "molva_worker_ready", "1 while partitions are assigned and read", "stage"
        )
        self.notifications = self._counter(
            "molva_notifications",
            "Attempts to tell a receiver, by outcome: delivered, retried, refused, expired, dropped",
            "receiver",
            "outcome",
        )
        self.notifications_queued = self._gauge(
            "molva_notifications_queued", "Notifications that are not delivered yet", "receiver"
        )
        self.notification_oldest_age = self._gauge(
            "molva_notification_oldest_age_seconds", "How long the oldest of them has waited", "receiver"
        )
        self.incidents_open = self._gauge("molva_incidents_open", "Incidents open now", "severity")
        self.alert_events = self._counter("molva_alert_events", "Events of incidents published", "event")
        self.agent_posts = self._counter("molva_agent_posts", "Posts published and confirmed", "agent")
        self.agent_deletions = self._counter(
            "molva_agent_deletions", "Deletions of posts published and confirmed", "agent"
        )
        self.agent_skipped = self._counter(
            "molva_agent_skipped",
            "What an agent left out; reason: bounce, auto-reply, too-many, ...",
            "agent",
            "reason",
        )
        self.agents_configured = self._gauge("molva_agents_configured", "Agents in agents.yaml")
        self.agent_running = self._gauge(
            "molva_agent_running",
            "1 while this process collects for the agent, 0 where it must be mended first",
            "agent",
        )
        self.agent_errors = self._counter("molva_agent_errors", "Failed reads or publishes", "agent", "error")
        self.agent_held_back = self._gauge(
            "molva_agent_held_back", "1 while the agent waits because a stage is too far behind", "agent"
        )
        self.agent_last_post = self._gauge(
            "molva_agent_last_post_timestamp_seconds", "When the agent last published a post", "agent"
        )

        self.http_answers = self._counter(
            "molva_http_answers", "Requests to the HTTP ingest, by answer: taken, or the error", "answer"
        )
        self.http_caller_last_use = self._gauge(
            "molva_http_caller_last_use_timestamp_seconds", "When the caller last sent anything", "caller"
        )
        self.http_callers_unread = self._gauge(
            "molva_http_callers_unread", "1 while the file of callers has a mistake; the former ones stay"
        )
        self.web_requests = self._counter(
            "molva_web_requests",
            "Requests of agents to sources; outcome: answered, refused, unanswered, unusable, forbidden",
            "agent",
            "outcome",
        )
        self.web_seconds = self._histogram(
            "molva_web_seconds", "Time of an agent's request, without its wait for a turn", SECONDS, "agent"
        )
        self.web_waits = self._counter(
            "molva_web_wait_seconds",
            "Time that requests waited for their turn, by budget: live, backfill",
            "agent",
            "budget",
        )
        self.web_circuit_open = self._gauge(
            "molva_web_circuit_open", "1 while a host is left alone because it failed several times", "host"
        )
        self.source_last_post = self._gauge(
            "molva_source_last_post_timestamp_seconds", "When the source last gave a post", "agent", "source"
        )
        self.source_silence = self._gauge(
            "molva_source_silence_surprise",
            "-log10 of the probability of so long a silence by the source's own rhythm",
            "agent",
            "source",
        )
        self.source_post_age = self._gauge(
            "molva_source_post_age_seconds",
            "Age of the newest hundred posts when collected, median; negative: dated in the future",
            "agent",
            "source",
        )
        self.source_clock_offset = self._gauge(
            "molva_source_clock_offset_seconds",
            "The server's clock less ours, by its answers",
            "agent",
            "source",
        )

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, about, labels, buckets=buckets, registry=self.registry)
