"""What can be wrong on this machine: Python, folders, disk, models, watchlist, feeds."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from zipfile import BadZipFile

from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidGraph,
    InvalidProtobuf,
    RuntimeException,
)

from agents.agents_file import read_agents
from agents.base import AgentError
from agents.checked_yaml import read_text
from agents.http.callers import parse_callers
from agents.options import Lookup
from agents.rss.feeds import read_feeds
from pipeline.checks import Part
from pipeline.core.watchlist import WatchlistError
from pipeline.health import watchlist_in_use
from pipeline.nlp.load import load_tier
from pipeline.nlp.signals import SignalModel
from pipeline.settings import Settings
from pipeline.watchlist_file import load_watchlist

ENCODER_ERRORS = (Fail, InvalidGraph, InvalidProtobuf, RuntimeException)
"""What onnxruntime raises for a file that is no model; they have no base of their own."""
HERE = {"127.0.0.1", "localhost", "[::1]", "::1"}
MIN_FREE_BYTES = 2 * 1024**3
"""For the servers of `molva up`."""
MIN_FREE_ALONE_BYTES = 16 * 1024**2
"""Where the servers are elsewhere: cursors and rhythms of agents; a tmpfs in docker-compose.yml."""


def check_machine(settings: Settings) -> list[Part]:
    """Everything that this process can see by itself."""
    return [
        python(*sys.version_info[:2]),
        *_data_dir(settings.data_dir, needed_bytes(settings)),
        _models(settings),
        _watchlist(settings),
        *_feeds(settings),
        *_agents(settings),
        *_callers(settings),
    ]


def python(major: int, minor: int) -> Part:
    """Whether Molva runs on this version."""
    known = (3, 11) <= (major, minor) <= (3, 13)
    return Part("python", known, f"{major}.{minor}", "use Python 3.11 to 3.13")


def needed_bytes(settings: Settings) -> int:
    """Free bytes of the data dir; little if neither server can be on it, being on another machine."""
    brokers = {address.strip().rpartition(":")[0] for address in settings.kafka_bootstrap.split(",")}
    elsewhere = HERE.isdisjoint({*brokers, settings.clickhouse_host})
    return MIN_FREE_ALONE_BYTES if elsewhere else MIN_FREE_BYTES


def _data_dir(folder: Path, needed: int) -> list[Part]:
    cure = "make it a writable folder, or choose another --data-dir"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [Part("data dir", False, f"{folder}: {error.strerror}", cure)]
    detail = f"{_size(free)} free in {folder}"
    need = f"free some space: {_size(needed)} are needed, or choose another --data-dir"
    return [
        Part("disk", free > needed, detail, need),
        Part("data dir", os.access(folder, os.W_OK | os.X_OK), str(folder), cure),
    ]


def _size(count: int) -> str:
    return f"{count / 1024**3:.1f} GiB" if count >= 1024**3 else f"{count / 1024**2:.0f} MiB"


def _models(settings: Settings) -> Part:
    """Loads them, as enrichment does: a file that is there may be cut, or of another version."""
    what = f"{settings.sentiment_model}, {settings.sentiment_tier}"
    try:
        load_tier(settings.sentiment_model, settings.sentiment_tier)
        SignalModel.load()
    except FileNotFoundError as error:
        cure = "install Molva again: its package holds the models; or set MOLVA_SENTIMENT_MODEL=full"
        return Part("models", False, f"{what}: no such file: {error.filename}", cure)
    except (OSError, ValueError, KeyError, BadZipFile, *ENCODER_ERRORS) as error:
        return Part("models", False, f"{what}: {error}", "install Molva again, or train the model again")
    return Part("models", True, what)


def _watchlist(settings: Settings) -> Part:
    chosen = settings.watchlist or watchlist_in_use(settings.data_dir)
    if chosen is None:
        cure = "write watchlist.yaml (examples/watchlist.example.yaml teaches how), or set MOLVA_WATCHLIST"
        return Part("watchlist", False, "none: nothing is watched", cure)
    try:
        watchlist = load_watchlist(chosen)
    except WatchlistError as error:
        cure = "correct the file; examples/watchlist.example.yaml explains it"
        return Part("watchlist", False, str(error), cure)
    if not watchlist.objects:
        return Part("watchlist", False, f"{chosen} holds no object", "write what is to be watched into it")
    return Part("watchlist", True, f"{len(watchlist.objects)} objects in {chosen}")


def _agents(settings: Settings) -> list[Part]:
    """agents.yaml as a file; its secrets are with the fleet, which may be elsewhere."""
    if settings.agents is None:
        return []
    try:
        agents = read_agents(settings.agents, {}, complete=False)
    except AgentError as error:
        return [
            Part("agents", False, str(error), "correct the file; examples/agents.example.yaml explains it")
        ]
    return [Part("agents", True, f"{len(agents)} agents in {settings.agents}")]


def _callers(settings: Settings) -> list[Part]:
    """Who may post to the HTTP ingest; the secrets are with the agent."""
    path = settings.http_callers
    if path is None:
        return []
    try:
        callers = parse_callers(read_text(path), str(path), Lookup(folder=path.parent, complete=False))
    except AgentError as error:
        return [
            Part("callers", False, str(error), "correct the file; examples/callers.example.yaml explains it")
        ]
    return [Part("callers", True, f"{len(callers)} callers in {path}")]


def _feeds(settings: Settings) -> list[Part]:
    if settings.rss_feeds is None:
        return []
    try:
        feeds = read_feeds(settings.rss_feeds)
    except (AgentError, OSError) as error:
        return [Part("feeds", False, str(error), "correct the file; examples/feeds.example.yaml explains it")]
    return [Part("feeds", True, f"{len(feeds)} feeds in {settings.rss_feeds}")]
