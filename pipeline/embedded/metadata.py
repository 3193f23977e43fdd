"""Who answers on a loopback port: the cluster id and the live brokers that a Kafka broker tells."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import ExitStack
from typing import NamedTuple

from aiokafka.protocol.metadata import MetadataRequest_v2

from pipeline.embedded.process import LOOPBACK

TIMEOUT_SECONDS = 2.0
MAX_ANSWER_BYTES = 1 << 20


class Cluster(NamedTuple):
    """What a broker knows of its cluster; ``nodes`` are the ids of the brokers that take part now."""

    id: str | None
    nodes: frozenset[int]


def read_cluster(port: int, tls: ssl.SSLContext | None = None) -> Cluster | None:
    """Ask whoever listens on the loopback port; None if it is no Kafka broker, or not ready to say."""
    request = MetadataRequest_v2([])
    body = request.build_request_header(1, "molva").encode() + request.encode()
    try:
        with ExitStack() as open_ones:
            connection = open_ones.enter_context(
                socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_SECONDS)
            )
            if tls is not None:
                connection = open_ones.enter_context(tls.wrap_socket(connection, server_hostname=LOOPBACK))
            connection.sendall(struct.pack(">i", len(body)) + body)
            stream = open_ones.enter_context(connection.makefile("rb"))
            (size,) = struct.unpack(">i", stream.read(4))
            answer = stream.read(min(size, MAX_ANSWER_BYTES))
        request.parse_response_header(answer[:4])
        found = request.RESPONSE_TYPE.decode(answer[4:])
    except (OSError, struct.error, ValueError):
        return None
    return Cluster(found.cluster_id, frozenset(broker[0] for broker in found.brokers))
