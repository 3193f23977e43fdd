#!/bin/sh
# What Molva's principals may do in Apache Kafka. Made by `molva topics --acls`; do not edit.
# Use: BOOTSTRAP=host:9093 COMMAND_CONFIG=admin.properties sh acls.sh
# It may run again: what is allowed already stays so. kafka-acls.sh is in the folder bin of Apache Kafka.
set -eu
acls() { kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$COMMAND_CONFIG" "$@" >/dev/null; }

acls --add --allow-principal User:molva-enrichment --operation Read --topic molva.posts.raw --group molva-enrichment
acls --add --allow-principal User:molva-enrichment --operation Write --topic molva.posts.enriched --topic molva.mentions --topic molva.dead-letters
acls --add --allow-principal User:molva-detection --operation Read --topic molva.mentions --topic molva.baselines --group molva-detection
acls --add --allow-principal User:molva-detection --operation Write --topic molva.spikes --topic molva.dead-letters
acls --add --allow-principal User:molva-detection --operation Read --operation Write --operation Create --topic molva-detection-state-changelog
acls --add --allow-principal User:molva-notification --operation Read --topic molva.spikes --topic molva.alerts.actions --group molva-notification
acls --add --allow-principal User:molva-notification --operation Write --topic molva.alerts --topic molva.dead-letters
acls --add --allow-principal User:molva-notification --operation Read --operation Write --operation Create --topic molva-notification-state
acls --add --allow-principal User:molva-storage --operation Read --topic molva.posts.enriched --topic molva.mentions --topic molva.spikes --topic molva.alerts --topic molva.alerts.actions --topic molva.posts.deleted --topic molva.dead-letters --group molva-storage
acls --add --allow-principal User:molva-storage --operation Write --topic molva.dead-letters
acls --add --allow-principal User:molva-agents --operation Write --topic molva.posts.raw --topic molva.posts.deleted --topic molva.dead-letters
acls --add --allow-principal User:molva-agents --operation Read --topic molva.agents.cursors --group molva-agents
acls --add --allow-principal User:molva-agents --operation Write --topic molva.agents.cursors
acls --add --allow-principal User:molva-agents --operation Describe --group molva --resource-pattern-type prefixed
acls --add --allow-principal User:molva-enrichment --allow-principal User:molva-detection --allow-principal User:molva-notification --allow-principal User:molva-storage --allow-principal User:molva-agents --operation Describe --topic molva --resource-pattern-type prefixed
acls --add --allow-principal User:molva-operator --operation Read --operation Write --operation Create --topic molva --resource-pattern-type prefixed
acls --add --allow-principal User:molva-operator --operation Read --group molva --resource-pattern-type prefixed
