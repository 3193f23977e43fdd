"""The detector over the past: counts of a file or of ClickHouse, what would have fired, charts and sweeps."""
