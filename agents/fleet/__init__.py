"""The fleet (`molva agents`): which process runs which agent, its cursors in Kafka, back-fills, reports."""
