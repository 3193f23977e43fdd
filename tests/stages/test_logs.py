"""Log lines: records are named, secrets are not."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from pipeline.batches import Incoming
from pipeline.logs import FIELDS, JsonLines, Redaction, TextLines, about, secrets_of
from pipeline.settings import Settings
from schemas import Deletion, Record
from schemas.codec import encode
from tests.sink import samples
from tests.stages.test_enrichment import Stage, post
from tests.stages.test_enrichment import incoming as raw

SECRET = "correct-horse-battery"


def incoming(record: Record) -> Incoming:
    message = encode(record)
    return Incoming("molva.topic", 3, 17, message.value, message.headers, datetime(2026, 3, 2, tzinfo=UTC))


def line(
    message: str, *values: object, extra: dict[str, object] | None = None, **more: object
) -> logging.LogRecord:
    record = logging.LogRecord("molva.test", logging.WARNING, __file__, 1, message, values, None)
    record.created = 0.0
    vars(record).update({**(extra or {}), **more})
    return record


@pytest.mark.parametrize("record", [samples.enriched(5), samples.mention(5)], ids=["post", "mention"])
def test_a_record_is_named_by_its_post_and_its_place(record: Record) -> None:
    assert about(incoming(record)) == {
        "post_id": samples.enriched(5).id,
        "topic": "molva.topic",
        "partition": 3,
        "offset": 17,
    }


def test_a_deletion_is_about_its_post_and_foreign_records_about_none() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    deletion = Deletion(
        id="vk:1#2", source="vk", native_id="1#2", deleted_at=moment, collected_at=moment, timeline="live"
    )
    assert about(incoming(deletion))["post_id"] == "vk:1#2"
    assert about(Incoming("t", 0, 1, b"x", [], moment))["post_id"] is None


def test_json_lines_carry_the_fields() -> None:
    fields = about(incoming(samples.enriched(5)))
    document = json.loads(JsonLines(Redaction(())).format(line("dead letter, %s", "invalid", extra=fields)))
    assert document == {
        "time": "1970-01-01T00:00:00.000+00:00",
        "level": "WARNING",
        "logger": "molva.test",
        "message": "dead letter, invalid",
        **fields,
    }


def test_text_lines_carry_the_fields() -> None:
    fields = about(incoming(samples.enriched(5)))
    written = TextLines(Redaction(())).format(line("dead letter", extra=fields))
    assert written == (
        "1970-01-01T00:00:00.000+00:00 WARNING molva.test: dead letter "
        f"[post_id={samples.enriched(5).id} topic=molva.topic partition=3 offset=17]"
    )


@pytest.mark.parametrize("lines", [JsonLines, TextLines])
def test_secrets_are_left_out_wherever_they_stand(lines: type[JsonLines | TextLines]) -> None:
    formatter = lines(Redaction({SECRET, "abc"}))
    try:
        raise ValueError(f"no {SECRET} please")
    except ValueError:
        failed = sys.exc_info()
    record = line("cannot reach %s", f"https://me:{SECRET}@host/?t={SECRET}", reason=SECRET, exc_info=failed)
    written = formatter.format(record)
    assert SECRET not in written
    assert "https://***@host/?t=***" in written
    assert "ValueError: no *** please" in written
    assert formatter.format(line("abc")).count("abc") == 1, "too short to be a secret"


def test_the_secrets_of_a_process_are_those_of_its_settings_and_of_its_environment() -> None:
    settings = Settings(kafka_password="k-password", http_token="h-token", clickhouse_password="c-password")
    environ = {"SLACK_TOKEN": "s-token", "SMTP_PASSWORD": "m-password", "HOME": "/root"}
    known = secrets_of(settings, environ)
    assert known >= {"k-password", "h-token", "c-password", "s-token", "m-password"}
    assert "/root" not in known


def test_a_process_logs_as_its_settings_say() -> None:
    code = f"""
import logging, os
from pipeline.logs import configure
from pipeline.settings import Settings
configure(Settings(log_format="json", http_token="{SECRET}"), os.environ)
logging.getLogger("molva.test").warning("token {SECRET}", extra={{"offset": 5}})
logging.getLogger("httpx").info("POST https://hooks.example/secret-path")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    (only,) = done.stderr.splitlines()
    document = json.loads(only)
    assert (document["message"], document["offset"], done.stdout) == ("token ***", 5, "")


async def test_a_stage_names_the_record_that_it_gives_up(caplog: pytest.LogCaptureFixture) -> None:
    run = Stage()
    await run.stage.enrich([raw(post(1), 0), raw(post(2, text="boom"), 1, partition=3), raw(b"{", 2)])
    broken, failed = caplog.records
    assert broken.getMessage().startswith("dead letter, not_json: ")
    assert place_of(broken) == (None, "molva.posts.raw", 0, 2)
    assert failed.getMessage() == "dead letter, failed: ValueError: boom"
    assert place_of(failed) == ("vk:2", "molva.posts.raw", 3, 1)


def place_of(record: logging.LogRecord) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in FIELDS)
