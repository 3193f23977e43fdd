#!/bin/sh
# Runs before ClickHouse's own entrypoint (docker-compose.yml), because a table that is not replicated notes the
# token of an insert before it gives the part its name: after a kill in between, the retry of the insert would be
# taken for a repetition, and its rows would be lost. Removes the notes of parts that are not there.
# The embedded ClickHouse does the same: pipeline/embedded/deduplication.py, which has the reason in full.
#
# Usage: forget-absent-parts.sh COMMAND [ARGUMENT...]     CLICKHOUSE_DATA: the server's data (/var/lib/clickhouse)
set -eu

# Standard input: the folders of a table; the file: one of its logs. Prints the lines that stay.
kept() {
    ls "$1" | awk -F '\t' -v table="$1" '
        function blocks(name,    count) {
            count = split(name, part, "_")
            return (count == 4 || count == 5) && part[2] part[3] part[4] part[5] ~ /^[0-9]+$/
        }
        NR == FNR {
            if ($0 !~ /^(tmp|delete_tmp)/ && blocks($0)) {
                partition[++held] = part[1]; first[held] = part[2] + 0; last[held] = part[3] + 0
            }
            next
        }
        $1 == "1" && blocks($2) {
            here = 0
            for (each = 1; each <= held && !here; each++)
                here = partition[each] == part[1] && first[each] <= part[2] + 0 && part[3] + 0 <= last[each]
            if (!here) {
                print table ": the insert of " $2 " was cut short; it may be repeated" > "/dev/stderr"
                next
            }
        }
        { print }
    ' - "$2"
}

for log in "${CLICKHOUSE_DATA:-/var/lib/clickhouse}"/store/*/*/deduplication_logs/deduplication_log_*.txt; do
    [ -s "$log" ] || continue
    table=${log%/deduplication_logs/*}
    lines=$(kept "$table" "$log")
    [ "$lines" = "$(cat "$log")" ] && continue
    draft=$table/tmp_deduplication_log
    cp -p "$log" "$draft" # its owner and mode
    if [ -n "$lines" ]; then printf '%s\n' "$lines" > "$draft"; else : > "$draft"; fi
    mv "$draft" "$log" # at once: a log that a kill cut short would let repetitions in
done

exec "$@"
