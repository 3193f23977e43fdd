"""Messages for the tests, as mail programs write them."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from agents.manual_time import NOON


def letter(
    text: str = "Приложение не работает",
    *,
    number: int | str = 1,
    subject: str = "",
    sender: str = "Anna <anna@mail.example>",
    at: datetime = NOON,
    headers: str = "",
    kind: str = "text/plain; charset=utf-8",
    encoding: str = "8bit",
) -> bytes:
    """A message of one part."""
    head = (
        f"From: {sender}\r\nTo: help@teplobank.example\r\nDate: {format_datetime(at)}\r\n"
        f"Message-ID: <{number}@mail.example>\r\nSubject: {subject or f'Письмо {number}'}\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n{headers}\r\n"
    )
    return (head + text.replace("\n", "\r\n")).encode()
