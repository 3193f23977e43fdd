"""ClickHouse over its HTTP interface, for what judges the pipeline: no code of the pipeline in between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_S = 120.0


@dataclass(frozen=True)
class ClickHouse:
    """A server, a user and a database. Every query has a connection of its own."""

    url: str
    user: str
    password: str
    database: str

    def rows(self, query: str) -> list[list[Any]]:
        """The rows of a query; 64-bit numbers are numbers.

        Raises:
            httpx.HTTPError: nobody answers, or ClickHouse refuses; the message says why.
        """
        parameters = {
            "database": self.database,
            "default_format": "JSONCompactEachRow",
            "output_format_json_quote_64bit_integers": "0",
            "wait_end_of_query": "1",
        }
        answer = httpx.post(
            self.url,
            params=parameters,
            content=query.encode(),
            auth=(self.user, self.password),
            timeout=TIMEOUT_S,
            trust_env=False,  # not through a proxy of the environment
        )
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPStatusError(answer.text[:500], request=answer.request, response=answer)
        return [json.loads(line) for line in answer.text.splitlines()]

    def value(self, query: str) -> Any:
        """The first value of the answer.

        Raises:
            httpx.HTTPError: as `rows`; also where a server that is ending answers with nothing.
        """
        found = self.rows(query)
        if not found:
            raise httpx.HTTPError(f"an empty answer to {query}")
        return found[0][0]

    def do(self, *statements: str) -> None:
        """Run statements, one after the other."""
        for statement in statements:
            self.rows(statement)
