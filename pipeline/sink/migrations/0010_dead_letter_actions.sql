-- expand: what became of dead letters (`molva dead-letters`): claimed for a replay, sent again, purged.

CREATE TABLE IF NOT EXISTS dead_letter_actions
(
    record    String                                           COMMENT '<origin>#<first 16 hex digits of payload_sha256>: all dead letters of one record',
    action    Enum8('claimed' = 1, 'released' = 2, 'replayed' = 3, 'purged' = 4),
    run       String                                           COMMENT 'which call of the command',
    topic     LowCardinality(String)                           COMMENT 'where the record was, or will be, sent again',
    partition Int32,
    offset    Int64                                            COMMENT 'claimed: the end of the partition before; replayed: of the record sent again',
    at        DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (record, action, run);
