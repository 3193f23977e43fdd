-- expand: merge sixteen parts at a time. ClickHouse counts every part below 5 MiB as if it had 5 MiB, so tables whose rows are
-- small, ids and rollups above all, were rewritten as a whole with nearly every insert (docs/performance.md).

ALTER TABLE posts MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE post_ids MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE entities MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE entities_1h MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE mentions MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE mention_ids MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE mentions_5m MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE mentions_1h MODIFY SETTING min_parts_to_merge_at_once = 16;
ALTER TABLE mentions_1d MODIFY SETTING min_parts_to_merge_at_once = 16;
