"""What an instance may do wrong, and what a person must mend."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import BadConfiguration, Rejected
from agents.mastodon.options import Options
from tests.agents.mastodon.reading import Reader
from tests.agents.mastodon.server import TOKEN, Server
from tests.agents.telegram.items import ids, last_cursor

TAG = {"hashtags": ["тепло"]}
WITH_TOKEN = {**TAG, "token": "env:TOKEN"}


async def test_a_token_is_sent_and_a_wrong_one_is_told(server: Server) -> None:
    server.token = TOKEN
    status = server.publish("#тепло")
    assert ids(await Reader(server, instance=WITH_TOKEN).read()) == [status["uri"]]
    server.token = "another"
    with pytest.raises(BadConfiguration, match=r"refuses the token \(The access token is invalid\)") as error:
        await Reader(server, instance=WITH_TOKEN).read()
    assert TOKEN not in str(error.value)
    with pytest.raises(BadConfiguration, match=r"to its users only.*give the instance a `token`"):
        await Reader(server, instance=TAG).read()


async def test_one_instance_that_is_denied_does_not_end_the_others(server: Server) -> None:
    status = server.publish("#тепло")
    async with Server(token="x") as closed:
        assert ids(await Reader(closed, server, instance=TAG).read()) == [status["uri"]]


async def test_without_streams_the_pages_are_read(server: Server) -> None:
    server.streaming_status = 403
    reader = Reader(server, instance=TAG)
    async with reader.living() as living:
        await living.until(lambda: server.requests["/api/v1/streaming"] > 0)
        status = server.publish("#тепло")
        await living.until(lambda: ids(living.items) == [status["uri"]], passing=reader.time)
        assert reader.time.clock() < server.now + timedelta(minutes=5)
    assert reader.metrics.agent_errors.labels("mastodon:one", "Denied")._value.get() == 1


async def test_an_error_that_the_socket_tells_falls_back_to_pages(server: Server) -> None:
    reader = Reader(server, instance=TAG)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets and all(server.sockets.values())))
        await server.send('{"error": "Missing access token", "status": 401}')
        await living.until(lambda: not server.sockets)
        await living.until(lambda: any(pause > 3000 for pause in reader.time.pauses))
        status = server.publish("#тепло")
        await living.until(lambda: ids(living.items) == [status["uri"]], passing=reader.time)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=503),
        lambda: web.Response(text="<html>", content_type="text/html"),
        lambda: web.Response(text="{", content_type="application/json"),
        lambda: web.json_response({"not": "a list"}),
        lambda: web.Response(status=429, headers={"Retry-After": "60"}),
    ],
)
async def test_a_bad_answer_is_asked_for_again(server: Server, answer: object) -> None:
    status = server.publish("#тепло")
    server.answers += [answer() for _ in range(1 if answer().status == 429 else 3)]  # type: ignore[operator]
    reader = Reader(server, instance={**TAG, "transport": "poll"})
    async with reader.living() as living:
        for _ in range(12):
            await living.until(lambda: len(reader.time.pauses) > 0)
            reader.time.pauses.clear()
            reader.time.move(minutes=2)
            if ids(living.items):
                break
        await living.until(lambda: ids(living.items) == [status["uri"]])


async def test_an_empty_answer_and_unknown_events_are_nothing(server: Server) -> None:
    reader = Reader(server, instance=TAG)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets and all(server.sockets.values())))
        await server.send('{"stream": ["hashtag", "тепло"], "event": "filters_changed", "payload": "x"}')
        await server.send('{"stream": ["user"], "event": "update", "payload": "{}"}')
        await server.send('{"stream": ["hashtag", "тепло"], "event": "brand.new", "payload": "{}"}')
        await server.send('{"stream": ["hashtag", "тепло"], "event": "update", "payload": "{"}')
        status = server.publish("#тепло")
        await living.until(lambda: status["uri"] in ids(living.items))
    (rejected,) = (item for item in living.items if isinstance(item, Rejected))
    assert (rejected.reason, rejected.payload) == ("not_json", b"{")


async def test_the_budget_of_the_server_is_left_alone_when_it_is_nearly_used_up(server: Server) -> None:
    for number in range(200):
        server.publish(f"{number} #тепло", at=server.now + timedelta(seconds=number))
    server.remaining = 7
    reader = Reader(server, instance={**TAG, "transport": "poll"})
    cursor = f'{{"instances":{{"{server.url}":{{"places":{{"hashtag:тепло":"0"}}}}}}}}'
    async with reader.living(cursor) as living:
        await living.until(lambda: 100.0 in reader.time.pauses)
        assert server.requests["/api/v1/timelines/tag/тепло"] == 2
        server.remaining = 300
        reader.time.move(seconds=101)
        await living.until(lambda: len(ids(living.items)) == 200)


async def test_a_public_timeline_is_not_followed_further_back_than_a_day(server: Server) -> None:
    old = server.publish("старое", at=server.now - timedelta(days=3))
    new = server.publish("новое", at=server.now - timedelta(hours=3))
    place = str(int(old["id"]) - 1)
    cursor = f'{{"instances":{{"{server.url}":{{"places":{{"public":"{place}"}}}}}}}}'
    reader = Reader(server, instance={"timelines": ["public"], "transport": "poll"})
    assert ids(await reader.read(cursor)) == [new["uri"]]
    assert reader.metrics.agent_errors.labels("mastodon:one", "GapTooLong")._value.get() == 1


async def test_a_page_shift_loses_nothing(server: Server) -> None:
    """A post appears, and another one vanishes, between two pages."""
    before = await Reader(server, instance={**TAG, "transport": "poll"}).read()
    told = [server.publish(f"{n} #тепло", at=server.now + timedelta(seconds=n)) for n in range(1, 101)]
    reader = Reader(server, instance={**TAG, "transport": "poll"})

    def shift(items: object) -> bool:
        if len(ids(living.items)) >= 40 and len(told) == 100:
            server.delete(told[20])
            server.delete(told[60])
            told.append(server.publish("ещё #тепло", at=server.now + timedelta(seconds=200)))
        return len(ids(living.items)) >= 100

    async with reader.living(last_cursor(before)) as living:
        await living.until(lambda: shift(None))
    missing = {each["uri"] for each in told} - set(ids(living.items))
    assert missing <= {told[60]["uri"]}


def test_options_name_what_is_wrong() -> None:
    def options(**given: object) -> Options:
        return Options.model_validate({"name": "one", "kind": "mastodon", **given})

    with pytest.raises(ValueError, match="is no account"):
        options(instances=[{"url": "https://a.example"}], accounts=["anna"])
    with pytest.raises(ValueError, match="is no hashtag"):
        options(instances=[{"url": "https://a.example", "hashtags": ["a b"]}])
    with pytest.raises(ValueError, match="holds a secret"):
        options(instances=[{"url": "https://a.example", "token": "abc"}])
    with pytest.raises(ValueError, match=r"a connection for each of 33 hashtags.*use `websocket`"):
        options(
            instances=[
                {
                    "url": f"https://{host}.example",
                    "transport": "sse",
                    "hashtags": [f"{host}{n}" for n in range(m)],
                }
                for host, m in (("a", 20), ("b", 13))
            ]
        )
    made = options(instances=[{"url": "https://Social.example"}], accounts=["https://a.example/@Anna"])
    assert made.accounts == ("anna@a.example",)
    assert made.hosts() == ("https://social.example", "*.social.example")
