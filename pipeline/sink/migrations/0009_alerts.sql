-- Incidents, which people are told about (schemas/alert.py), and what people decide (schemas/alert_action.py).

CREATE TABLE IF NOT EXISTS alerts
(
    id                 String                                  COMMENT 'one id per incident (that of its first spike); one row per event of it',
    revision           UInt32                                  COMMENT 'counts the events of the incident from 1',
    event              LowCardinality(String)                  COMMENT 'opened, joined, escalated, updated, resolved, reopened, expired, acknowledged, unacknowledged, snoozed, unsnoozed, suppressed, resumed',
    status             Enum8('open' = 1, 'resolved' = 2),
    severity           Enum8('info' = 1, 'warning' = 2, 'critical' = 3) COMMENT 'the highest that it has had',
    earlier_severities Array(LowCardinality(String))           COMMENT 'those before it was escalated, in order',
    object_ids         Array(LowCardinality(String))           COMMENT 'in the order of joining',
    timeline           LowCardinality(String),
    spikes             Nested(id String, revision UInt32, status LowCardinality(String), object_id LowCardinality(String),
                              object_kind LowCardinality(String), resolution LowCardinality(String),
                              signal LowCardinality(String), dimension LowCardinality(String), value LowCardinality(String),
                              severity LowCardinality(String), opened_at DateTime64(3, 'UTC'),
                              started_at DateTime64(3, 'UTC'), updated_at DateTime64(3, 'UTC'),
                              resolved_at Nullable(DateTime64(3, 'UTC')), negatives UInt32, expected_negatives Float64,
                              total UInt32, authors UInt32)    COMMENT 'as of this event; the first opened the incident',
    clusters           Array(String)                           COMMENT 'groups of near-duplicates that the spikes speak of: mentions.cluster' CODEC(ZSTD(1)),
    names              Array(String)                           COMMENT 'names that stand out in the spikes' CODEC(ZSTD(1)),
    opened_at          DateTime64(3, 'UTC')                    COMMENT 'event time, as all moments of the spikes',
    started_at         DateTime64(3, 'UTC'),
    updated_at         DateTime64(3, 'UTC')                    COMMENT 'newest event of the spikes',
    resolved_at        Nullable(DateTime64(3, 'UTC')),
    at                 DateTime64(3, 'UTC')                    COMMENT 'when this event happened, by the clock of the notification stage' CODEC(Delta, ZSTD(1)),
    acknowledged_by    String                                  COMMENT 'empty: nobody, or it has become worse or ended since' CODEC(ZSTD(1)),
    acknowledged_at    Nullable(DateTime64(3, 'UTC')),
    snoozed_until      Nullable(DateTime64(3, 'UTC')),
    cooldown_until     Nullable(DateTime64(3, 'UTC'))          COMMENT 'if it rises again before, no worse than it was, it keeps quiet until then',
    suppressed_by      LowCardinality(String)                  COMMENT 'what keeps people from being told: snooze, maintenance, cooldown; empty: nothing',
    `comment`          String                                  COMMENT 'of the last action of a person' CODEC(ZSTD(1)),
    title_ru           String                                  CODEC(ZSTD(3)),
    text_ru            String                                  CODEC(ZSTD(3)),
    title_en           String                                  CODEC(ZSTD(3)),
    text_en            String                                  CODEC(ZSTD(3)),
    stored_at          DateTime64(3, 'UTC') DEFAULT now64(3)   CODEC(Delta, ZSTD(1)),
    _cluster           LowCardinality(String),
    _topic             LowCardinality(String),
    _partition         UInt32,
    _offset            UInt64                                  CODEC(Delta, ZSTD(1)),
    _batch             UInt64                                  CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (id, revision)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS alert_actions
(
    id         String,
    action     LowCardinality(String)                          COMMENT 'acknowledge, unacknowledge, snooze, unsnooze, maintenance, cancel',
    target     String                                          COMMENT 'alerts.id, an object, * for all objects, or (cancel) the id of the action that is undone',
    since      Nullable(DateTime64(3, 'UTC'))                  COMMENT 'from when a maintenance window holds; NULL: from at',
    until      Nullable(DateTime64(3, 'UTC'))                  COMMENT 'until when a snooze or (the first time) a window holds',
    recurrence LowCardinality(String)                          COMMENT 'daily, weekly; empty: once',
    timezone   LowCardinality(String)                          COMMENT 'whose wall clocks a recurring window follows',
    author     String                                          CODEC(ZSTD(1)),
    `comment`  String                                          CODEC(ZSTD(1)),
    at         DateTime64(3, 'UTC')                            CODEC(Delta, ZSTD(1)),
    stored_at  DateTime64(3, 'UTC') DEFAULT now64(3)           CODEC(Delta, ZSTD(1)),
    _cluster   LowCardinality(String),
    _topic     LowCardinality(String),
    _partition UInt32,
    _offset    UInt64                                          CODEC(Delta, ZSTD(1)),
    _batch     UInt64                                          CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY id
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;

-- Each incident as of its last event, and how long people took. argMax skips NULLs, hence the tuples.
-- announced_at: the first moment at which nothing kept it quiet. An incident that ends is no longer acknowledged,
-- so the first acknowledgement is looked for among its events; one that came before the announcement took no time.
CREATE VIEW IF NOT EXISTS incidents AS
SELECT
    id,
    any(a.timeline) AS timeline,
    argMax(a.status, a.revision) AS status,
    argMax(a.severity, a.revision) AS severity,
    argMax(a.event, a.revision) AS last_event,
    max(a.revision) AS revision,
    argMax(a.object_ids, a.revision) AS object_ids,
    min(a.started_at) AS started_at,
    any(a.opened_at) AS opened_at,
    max(a.updated_at) AS updated_at,
    tupleElement(argMax(tuple(a.resolved_at), a.revision), 1) AS resolved_at,
    dateDiff('minute', opened_at, coalesce(resolved_at, updated_at)) AS minutes,
    max(a.at) AS last_at,
    minOrNullIf(a.at, a.suppressed_by = '') AS announced_at,
    minIf(a.acknowledged_at, a.event = 'acknowledged') AS first_acknowledged_at,
    argMinIf(a.acknowledged_by, a.revision, a.event = 'acknowledged') AS first_acknowledged_by,
    dateDiff('second', announced_at, if(first_acknowledged_at < announced_at, announced_at, first_acknowledged_at)) AS seconds_to_acknowledge,
    argMax(a.acknowledged_by, a.revision) AS acknowledged_by,
    argMax(a.suppressed_by, a.revision) AS suppressed_by,
    tupleElement(argMax(tuple(a.snoozed_until), a.revision), 1) AS snoozed_until,
    length(argMax(a.earlier_severities, a.revision)) AS escalations,
    argMax(a.spikes.id, a.revision) AS spike_ids,
    argMax(arrayDistinct(a.spikes.resolution), a.revision) AS resolutions,
    argMax(arrayDistinct(a.spikes.signal), a.revision) AS signals,
    argMax(arrayDistinct(arrayMap((d, v) -> if(d = '', '', concat(d, '=', v)), a.spikes.dimension, a.spikes.value)), a.revision) AS slices,
    argMax(arrayMax(a.spikes.negatives), a.revision) AS negatives,
    argMax(arrayMax(a.spikes.authors), a.revision) AS authors,
    argMax(a.clusters, a.revision) AS clusters,
    argMax(a.names, a.revision) AS names,
    argMax(a.comment, a.revision) AS `comment`,
    argMax(a.title_ru, a.revision) AS title_ru,
    argMax(a.text_ru, a.revision) AS text_ru,
    argMax(a.title_en, a.revision) AS title_en,
    argMax(a.text_en, a.revision) AS text_en
FROM alerts AS a
GROUP BY id;
