-- Signals of a post (schemas/signals.py) on posts and mentions; rows that are older have the defaults.
-- A cluster is looked up by its id: a bloom filter per granule.

ALTER TABLE posts ADD COLUMN IF NOT EXISTS post_type LowCardinality(String) DEFAULT '' COMMENT 'complaint, praise, question, request_help, offer, news, joke, job, giveaway, other; empty: not judged' AFTER model,
    ADD COLUMN IF NOT EXISTS p_type Float32 DEFAULT 0 COMMENT 'probability of post_type' CODEC(ZSTD(1)) AFTER post_type,
    ADD COLUMN IF NOT EXISTS type_evidence Array(String) COMMENT 'words that speak for post_type' CODEC(ZSTD(3)) AFTER p_type,
    ADD COLUMN IF NOT EXISTS `aspects.name` Array(LowCardinality(String)) COMMENT 'service, app, price, delivery, quality, staff, fraud, answers, other; likeliest first' AFTER type_evidence,
    ADD COLUMN IF NOT EXISTS `aspects.p` Array(Float32) CODEC(ZSTD(1)) AFTER `aspects.name`,
    ADD COLUMN IF NOT EXISTS experience LowCardinality(String) DEFAULT '' COMMENT 'own, hearsay, none; empty: not judged' AFTER `aspects.p`,
    ADD COLUMN IF NOT EXISTS calls Array(LowCardinality(String)) COMMENT 'leave, avoid, boycott, refund, petition, spread, protest, complain' AFTER experience,
    ADD COLUMN IF NOT EXISTS threats Array(LowCardinality(String)) COMMENT 'court, prosecutor, police, consumer_protection, central_bank, regulator, media' AFTER calls,
    ADD COLUMN IF NOT EXISTS toxicity Float32 DEFAULT 0 COMMENT 'score of a lexicon, 0 to 1' CODEC(ZSTD(1)) AFTER threats,
    ADD COLUMN IF NOT EXISTS toxic Bool DEFAULT false AFTER toxicity,
    ADD COLUMN IF NOT EXISTS cluster String DEFAULT '' COMMENT 'id of the first post of its near-duplicates; empty: no words' CODEC(ZSTD(1)) AFTER toxic,
    ADD COLUMN IF NOT EXISTS fingerprint Array(UInt32) COMMENT 'near-duplicates share at least 4 (of 2: both)' CODEC(ZSTD(1)) AFTER cluster,
    ADD COLUMN IF NOT EXISTS `personal.kind` Array(LowCardinality(String)) COMMENT 'phone, card, email, passport, snils, account' AFTER fingerprint,
    ADD COLUMN IF NOT EXISTS `personal.start` Array(UInt32) COMMENT 'character offset in text' CODEC(ZSTD(1)) AFTER `personal.kind`,
    ADD COLUMN IF NOT EXISTS `personal.end` Array(UInt32) CODEC(ZSTD(1)) AFTER `personal.start`;

ALTER TABLE posts ADD INDEX IF NOT EXISTS cluster_bloom cluster TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE mentions ADD COLUMN IF NOT EXISTS post_type LowCardinality(String) DEFAULT '' COMMENT 'complaint, praise, question, request_help, offer, news, joke, job, giveaway, other; empty: not judged' AFTER model,
    ADD COLUMN IF NOT EXISTS p_type Float32 DEFAULT 0 COMMENT 'probability of post_type' CODEC(ZSTD(1)) AFTER post_type,
    ADD COLUMN IF NOT EXISTS `aspects.name` Array(LowCardinality(String)) COMMENT 'service, app, price, delivery, quality, staff, fraud, answers, other; likeliest first' AFTER p_type,
    ADD COLUMN IF NOT EXISTS `aspects.p` Array(Float32) CODEC(ZSTD(1)) AFTER `aspects.name`,
    ADD COLUMN IF NOT EXISTS experience LowCardinality(String) DEFAULT '' COMMENT 'own, hearsay, none; empty: not judged' AFTER `aspects.p`,
    ADD COLUMN IF NOT EXISTS calls Array(LowCardinality(String)) COMMENT 'leave, avoid, boycott, refund, petition, spread, protest, complain' AFTER experience,
    ADD COLUMN IF NOT EXISTS threats Array(LowCardinality(String)) COMMENT 'court, prosecutor, police, consumer_protection, central_bank, regulator, media' AFTER calls,
    ADD COLUMN IF NOT EXISTS toxicity Float32 DEFAULT 0 COMMENT 'score of a lexicon, 0 to 1' CODEC(ZSTD(1)) AFTER threats,
    ADD COLUMN IF NOT EXISTS toxic Bool DEFAULT false AFTER toxicity,
    ADD COLUMN IF NOT EXISTS cluster String DEFAULT '' COMMENT 'id of the first post of its near-duplicates; empty: no words' CODEC(ZSTD(1)) AFTER toxic;

ALTER TABLE mentions ADD INDEX IF NOT EXISTS cluster_bloom cluster TYPE bloom_filter(0.01) GRANULARITY 1;
