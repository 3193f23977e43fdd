"""The configuration of the embedded ClickHouse: light on two cores, one user with a password, UTC.

Written by the server process once it holds the directory's lock; see ``clickhouse_server.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

USER = "molva"
IN_USE = 3
"""Exit code of a server whose directory another live process serves."""
MEBIBYTE = 1 << 20
KEEP_FREE_BYTES = 256 * MEBIBYTE
"""Inserts and merges are refused below it: on a full disk ClickHouse leaves parts that it cannot read."""
MEMORY_BYTES = 2048 * MEBIBYTE
QUERY_MEMORY_BYTES = 1536 * MEBIBYTE
FOR_GOOD_SECONDS = 2_147_483_647
"""The longest quota interval that ClickHouse can express; the current one ends in January 2038."""


@dataclass(frozen=True)
class ServerConfig:
    """What differs between two starts. ``password_sha256`` is in hex."""

    port: int
    http_port: int
    nonce: str
    password_sha256: str

    def write(self, directory: Path) -> None:
        """Write ``config.xml`` and ``users.xml``, readable by the owner only."""
        documents = {"config.xml": _server(self, directory), "users.xml": _users(self)}
        for name, settings in documents.items():
            root = Element("clickhouse")
            _fill(root, settings)
            indent(root)
            file = directory / name
            file.touch(mode=0o600)
            file.write_bytes(tostring(root))


Tree = dict[str, "str | int | Tree | list[str]"]


def _server(config: ServerConfig, directory: Path) -> Tree:
    free_slots = ("execute_mutation", "lower_max_size_of_merge", "execute_optimize_entire_partition")
    return {
        "listen_host": "127.0.0.1",
        "tcp_port": config.port,
        "http_port": config.http_port,
        "path": f"{directory}/data/",
        "users_config": "users.xml",
        "storage_configuration": {"disks": {"default": {"keep_free_space_bytes": KEEP_FREE_BYTES}}},
        "macros": {"nonce": config.nonce},
        "max_server_memory_usage": MEMORY_BYTES,
        "mark_cache_size": 64 * MEBIBYTE,
        "index_mark_cache_size": 16 * MEBIBYTE,
        "primary_index_cache_size": 64 * MEBIBYTE,
        "background_pool_size": 2,
        "background_common_pool_size": 2,
        "background_move_pool_size": 1,
        "background_fetches_pool_size": 1,
        "background_schedule_pool_size": 4,
        "asynchronous_metrics_update_period_s": 30,
        # the defaults ask for more free threads than such a small pool has
        "merge_tree": {f"number_of_free_entries_in_pool_to_{name}": 1 for name in free_slots},
    }


def _users(config: ServerConfig) -> Tree:
    """One real user. The engine's own session needs a ``default`` without password: its quota is the three
    statements of that session, so that nobody who connects as ``default`` can run a query that reads data.
    """
    session_grants = [
        "GRANT SYSTEM LISTEN ON *.*",
        "GRANT CREATE TEMPORARY TABLE ON *.*",
        "GRANT READ ON FILE",
    ]
    loopback: Tree = {"ip": ["127.0.0.1", "::1"]}
    return {
        "profiles": {
            "default": {
                "max_memory_usage": QUERY_MEMORY_BYTES,
                "network_compression_method": "lz4",
                "poll_interval": 1,  # seconds after which an idle connection sees that the server stops
            },
        },
        "users": {
            "default": {
                "no_password": "",
                "networks": loopback,
                "profile": "default",
                "quota": "own_session",
                "grants": {"query": session_grants},
            },
            USER: {
                "password_sha256_hex": config.password_sha256,
                "networks": loopback,
                "profile": "default",
                "quota": "default",
            },
        },
        "quotas": {
            "default": "",
            "own_session": {"interval": {"duration": FOR_GOOD_SECONDS, "queries": 3}},
        },
    }


def _fill(parent: Element, settings: Tree) -> None:
    for name, value in settings.items():
        for item in value if isinstance(value, list) else [value]:
            child = SubElement(parent, name)
            if isinstance(item, dict):
                _fill(child, item)
            else:
                child.text = str(item)
