"""The HTTP ingest (`molva agent http`): posts that others send; `service` runs it, `ingest` answers."""
