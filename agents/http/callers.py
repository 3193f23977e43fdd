"""Who may post to the HTTP ingest, and what: MOLVA_HTTP_CALLERS, read again whenever it changes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from agents.checked_yaml import CheckedYaml, read_text
from agents.options import FILE, NAME, Lookup, Moment, Secret
from schemas.post import PostKind

TOP = "callers"
MAX_CALLERS = 1000
MIN_SECRET_CHARS = 24
EMPTY_HASH = hashlib.sha256(b"").hexdigest()
ANY = "*"
_Stamp = tuple[int, int, int]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", to_lower=True)]
SourcePattern = Annotated[str, StringConstraints(pattern=r"^[^:\s\x00*]*\*?$", min_length=1, max_length=128)]


class Caller(BaseModel):
    """One who may post. A token is known by its SHA-256 only; a secret signs bodies (`http_signature`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: str = Field(pattern=NAME)
    token_sha256: Annotated[tuple[Sha256, ...], BeforeValidator(_listed)] = Field(default=(), max_length=8)
    secrets: Annotated[tuple[Secret, ...], BeforeValidator(_listed)] = Field(default=(), max_length=4)
    """All of them are taken, so that a new one can be brought in before the old one goes."""
    sources: Annotated[tuple[SourcePattern, ...], BeforeValidator(_listed)] = Field(min_length=1)
    """Names of sources; one that ends with ``*`` stands for all that begin so."""
    kinds: Annotated[tuple[PostKind, ...], BeforeValidator(_listed)] = (
        "post",
        "comment",
        "review",
        "repost",
    )
    may_delete: bool = False
    expires: Moment | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.token_sha256 and not self.secrets:
            raise ValueError("give `token_sha256` or `secrets`: nobody could post so")
        if EMPTY_HASH in self.token_sha256:
            raise ValueError("token_sha256 is the hash of an empty token")
        return self

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires


class Rights:
    """What a caller may post; asked for every record, so it is no model."""

    __slots__ = ("_exact", "_prefixes", "kinds", "may_delete", "name", "only_source")

    def __init__(self, caller: Caller) -> None:
        self.name = caller.name
        self.kinds = frozenset(caller.kinds)
        self.may_delete = caller.may_delete
        self._exact = frozenset(each for each in caller.sources if not each.endswith(ANY))
        self._prefixes = tuple(each.removesuffix(ANY) for each in caller.sources if each.endswith(ANY))
        self.only_source = next(iter(self._exact)) if len(self._exact) == 1 and not self._prefixes else None
        """The source of its rows that name none; None where it has several."""

    def owns(self, source: str) -> bool:
        """Whether it may post for a source."""
        return source in self._exact or source.startswith(self._prefixes)


def caller_of_token(token: str, name: str = "default") -> Caller:
    """The caller of MOLVA_HTTP_TOKEN: may post everything."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return Caller(name=name, token_sha256=(digest,), sources=(ANY,), may_delete=True)


class Callers:
    """All callers at one time."""

    def __init__(self, callers: Iterable[Caller]) -> None:
        self._by_name = {caller.name: caller for caller in callers}
        self._tokens = [
            (digest.encode(), each) for each in self._by_name.values() for digest in each.token_sha256
        ]
        self.names = tuple(self._by_name)

    def by_token(self, token: bytes, now: datetime) -> Caller | None:
        """Whose token it is; compared with all of them, whichever it is, in constant time."""
        digest = hashlib.sha256(token).hexdigest().encode()
        found = None
        for known, caller in self._tokens:
            if hmac.compare_digest(known, digest):
                found = caller
        return None if found is None or found.expired(now) else found

    def by_name(self, name: str, now: datetime) -> Caller | None:
        """The caller who signs as ``name``; empty: the only one who signs."""
        if not name:
            signing = [caller for caller in self._by_name.values() if caller.secrets]
            found = signing[0] if len(signing) == 1 else None
        else:
            found = self._by_name.get(name)
        return None if found is None or not found.secrets or found.expired(now) else found


class CallersFile:
    """The callers of a YAML file; `changed` tells when to `read` it again. Blocking: use a thread."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path = path
        self._environment = environment
        self._seen: tuple[_Stamp | None, ...] = ()
        self._secret_files: tuple[Path, ...] = ()

    def changed(self) -> bool:
        """Whether the file, or a file of secrets that it names, is another one since the last `read`."""
        return self._stamp() != self._seen

    def read(self) -> tuple[Caller, ...]:
        """The callers as the file has them now.

        Raises:
            BadConfiguration: every mistake with its line; no message holds a secret.
        """
        self._seen = self._stamp()  # before it is read: what changes meanwhile is seen the next time
        file = CheckedYaml(read_text(self._path), str(self._path))
        folder = self._path.resolve().parent
        self._secret_files = tuple(folder / each for each in _files_named(file.document))
        self._seen = (self._seen[0], *(_stamp(path) for path in self._secret_files))
        return _callers(file, Lookup(self._environment, folder))

    def _stamp(self) -> tuple[_Stamp | None, ...]:
        return tuple(_stamp(path) for path in (self._path, *self._secret_files))


def parse_callers(text: str, name: str, lookup: Lookup) -> tuple[Caller, ...]:
    """The callers of a YAML text; ``name`` is what errors call it.

    Raises:
        BadConfiguration: every mistake with its line.
    """
    return _callers(CheckedYaml(text, name), lookup)


def _callers(file: CheckedYaml, lookup: Lookup) -> tuple[Caller, ...]:
    document = file.document
    entries = document.get(TOP) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_CALLERS:
        file.mistake((TOP,), f"write `callers:` and under it a list of 1 to {MAX_CALLERS} callers")
        file.require_none()
        return ()
    for key in document:
        if key != TOP:
            file.mistake((key,), f"unknown key `{key}`: there is only `callers`")
    found = [(index, file.model(Caller, (TOP, index), context=lookup)) for index in range(len(entries))]
    _require_sound(file, [(index, caller) for index, caller in found if caller is not None], lookup)
    file.require_none()
    return tuple(caller for _, caller in found if caller is not None)


def _require_sound(file: CheckedYaml, found: Iterable[tuple[int, Caller]], lookup: Lookup) -> None:
    names: set[str] = set()
    tokens: set[str] = set()
    for index, caller in found:
        if caller.name in names:
            file.mistake((TOP, index, "name"), f"another caller is called {caller.name}")
        if tokens & set(caller.token_sha256):
            file.mistake((TOP, index, "token_sha256"), "another caller has the same token")
        if lookup.complete and any(_short(secret) for secret in caller.secrets):
            file.mistake((TOP, index, "secrets"), f"a secret has at least {MIN_SECRET_CHARS} characters")
        names.add(caller.name)
        tokens |= set(caller.token_sha256)


def _short(secret: SecretStr) -> bool:
    return len(secret.get_secret_value()) < MIN_SECRET_CHARS


def _files_named(document: object) -> set[str]:
    """The files that any text of the document names."""
    match document:
        case str():
            return {document.removeprefix(FILE)} if document.startswith(FILE) else set()
        case list():
            return set().union(*(_files_named(each) for each in document))
        case dict():
            return set().union(*(_files_named(each) for each in document.values()))
    return set()


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
