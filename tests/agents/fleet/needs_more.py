"""A kind whose library is nowhere installed."""

import sky_diving  # type: ignore[import-not-found]  # noqa: F401
