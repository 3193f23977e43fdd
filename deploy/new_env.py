"""Write ``.env`` for docker-compose.yml: ``env.example`` with a fresh random value for every empty secret.

Run by ``make env`` with the system's Python: standard library only. An existing file is never overwritten.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path

EMPTY = re.compile(r"^([A-Z_]+)=$", re.MULTILINE)
SECRET_BYTES = 24
CLUSTER_ID_BYTES = 16  # a Kafka UUID: 22 characters of URL-safe base64


def fill(example: str) -> str:
    """The example with each ``NAME=`` of no value given a random one."""
    return EMPTY.sub(lambda line: f"{line[1]}={_fresh(line[1])}", example)


def _fresh(name: str) -> str:
    size = CLUSTER_ID_BYTES if name == "KAFKA_CLUSTER_ID" else SECRET_BYTES
    while (value := secrets.token_urlsafe(size)).startswith("-"):
        pass  # Kafka's tools would read it as an option
    return value


def main(target: Path) -> int:
    """Write ``target``, readable by its owner only; 1 if it is there already."""
    example = Path(__file__).with_name("env.example").read_text(encoding="utf-8")
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} exists and is left as it is; remove it to make new secrets", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(fill(example))
    print(f"wrote {target} with fresh secrets")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
