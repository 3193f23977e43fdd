"""A past period read again from ClickHouse, analysed with the present models, put in place of the old rows.

`period` says what is asked for, `ledger` how far it has come, `making` makes the new rows in shadow tables
beside the old ones, `replacement` exchanges whole partitions: every reader sees and counts one version.
"""
