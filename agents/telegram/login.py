"""``python -m agents.telegram.login``: log in at Telegram once, by hand, and print the session string."""

from __future__ import annotations

import asyncio
import getpass
import sys
from contextlib import redirect_stdout

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.sessions import StringSession


async def log_in(api_id: int, api_hash: str) -> str:
    """The session string; Telethon asks for the phone number, the code and the password of the account.

    Raises:
        RPCError, OSError: Telegram refuses, or does not answer.
    """
    client = TelegramClient(StringSession(), api_id, api_hash, device_model="Molva", app_version="0.1")
    try:
        await client.start(
            phone=lambda: input("Phone number, with country code: "),
            password=lambda: getpass.getpass("Password of the account (two-step verification): "),
        )
        return str(client.session.save())
    finally:
        await client.disconnect()


def main() -> int:
    """Ask, log in, print: the session to the standard output, all else to the terminal."""
    if sys.argv[1:]:
        print(f"{__doc__}\n\nKeep it like a password: put it into a file or a variable of the environment.")
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    try:
        print("api_id, from my.telegram.org: ", end="", file=sys.stderr, flush=True)
        api_id = int(input())
        with redirect_stdout(sys.stderr):  # Telethon prints greetings
            session = asyncio.run(log_in(api_id, getpass.getpass("api_hash: ")))
        print(session)
    except ValueError:
        print("api_id is a number, from my.telegram.org", file=sys.stderr)
        return 2
    except (RPCError, OSError) as error:
        print(f"not logged in: {error}", file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
