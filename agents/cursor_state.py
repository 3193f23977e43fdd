"""What a source knows where it goes on from, as its cursor: the base of the cursors of most kinds."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ValidationError

from agents.base import CursorCorrupt


class CursorState(BaseModel):
    """A cursor is JSON with a version; without one, reading begins with every field's default."""

    OF: ClassVar[str]
    """Whose it is, as errors say it."""

    version: Literal[1] = 1

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Read a cursor.

        Raises:
            CursorCorrupt: it is not one of this kind.
        """
        try:
            return cls() if text is None else cls.model_validate_json(text)
        except ValidationError as error:
            raise CursorCorrupt(f"the cursor of {cls.OF} cannot be read: {error}") from error

    def written(self) -> str:
        """As JSON, without what has its default."""
        return self.model_dump_json(exclude_defaults=True)
