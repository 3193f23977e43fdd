"""The incidents of the week: when each begins, how it swells and fades (UTC), and who takes part."""

from __future__ import annotations

from pipeline.demo.story import phrases_outage as outage
from pipeline.demo.story import phrases_person as person
from pipeline.demo.story import phrases_products as products
from pipeline.demo.story import phrases_rivals as rivals
from pipeline.demo.story import phrases_waves as waves
from pipeline.demo.story.cast import Role
from pipeline.demo.story.plot import EVERYWHERE, PEOPLE, SOCIAL, Mood, Scene

LAUNCH = "launch"
OUTAGE = "outage"
TROLLS = "trolls"
PRAISE = "praise"
SCANDAL = "scandal"
LEAK = "leak"

_NEWS = (("news", 1),)
_MEDIA: tuple[tuple[Role, int], ...] = (("media", 1),)
_OWN: tuple[tuple[Role, int], ...] = (("own", 1),)

THE_LAUNCH = (
    Scene(
        "launch-news",
        (Mood(1, "neutral", products.LAUNCH_NEWS),),
        points=(("05T07:00", 5), ("05T10:00", 1), ("05T16:00", 0)),
        sources=_NEWS,
        roles=_MEDIA,
        dressed=False,
    ),
    Scene(
        LAUNCH,
        (
            Mood(58, "neutral", products.LAUNCH_NEU),
            Mood(37, "positive", products.LAUNCH_POS),
            Mood(5, "negative", products.LAUNCH_NEG),
        ),
        points=(
            ("05T07:05", 8),
            ("05T09:30", 19),
            ("05T14:00", 17),
            ("05T21:00", 6),
            ("06T08:00", 3),
            ("07T20:00", 1),
        ),
    ),
)
THE_OUTAGE = (
    Scene(
        OUTAGE,
        (Mood(88, "negative", outage.NEG), Mood(12, "neutral", outage.NEU)),
        points=(
            ("06T09:05", 34),
            ("06T09:35", 62),
            ("06T11:30", 58),
            ("06T12:10", 30),
            ("06T13:30", 6),
            ("06T15:00", 0),
        ),
        calls="@rassvet_bank",
    ),
    Scene(
        "outage-news",
        (Mood(1, "neutral", outage.NEWS[:2]),),
        points=(("06T09:50", 4), ("06T12:00", 2)),
        sources=_NEWS,
        roles=_MEDIA,
        dressed=False,
    ),
    Scene(
        "outage-answers",
        (Mood(1, "neutral", outage.OWN_ANSWERS),),
        points=(("06T09:30", 10), ("06T12:15", 12), ("06T14:30", 4)),
        sources=SOCIAL,
        roles=_OWN,
        answers=OUTAGE,
        dressed=False,
    ),
    Scene(
        "outage-backlash",
        (Mood(1, "negative", outage.BACKLASH),),
        points=(("06T09:40", 7), ("06T12:20", 7), ("06T13:30", 1)),
        sources=SOCIAL,
        answers="outage-answers",
    ),
    Scene(
        "outage-apology",
        (Mood(1, "neutral", outage.APOLOGY),),
        points=(("06T13:00", 8), ("06T13:15", 8)),
        sources=SOCIAL,
        roles=_OWN,
        dressed=False,
        own_channel=True,
    ),
    Scene(
        "outage-after",
        (
            Mood(38, "negative", outage.LAST_NEG),
            Mood(50, "positive", outage.RELIEF),
            Mood(12, "neutral", outage.NEWS[2:]),
        ),
        points=(("06T12:20", 12), ("06T14:00", 10), ("06T18:00", 3), ("06T21:00", 0)),
    ),
)
THE_TROLLS = (
    Scene(
        TROLLS,
        (Mood(1, "negative", waves.TROLLS),),
        points=(("07T15:00", 66), ("07T16:30", 60), ("07T16:50", 0)),
        sources=SOCIAL,
        roles=(("troll", 1),),
        answers="bank",
        dressed=False,
    ),
    Scene(
        "troll-answers",
        (Mood(1, "neutral", waves.TROLL_ANSWERS),),
        points=(("07T15:20", 4), ("07T18:00", 1)),
        sources=SOCIAL,
        answers=TROLLS,
        dressed=False,
    ),
)
THE_PRAISE = (
    Scene(
        PRAISE,
        (Mood(1, "positive", waves.PRAISE),),
        points=(("08T07:00", 8), ("08T11:00", 8)),
        sources=(("reviews", 1),),
        roles=(("seeded", 1),),
        dressed=False,
    ),
)
THE_SCANDAL = (
    Scene(
        "scandal-news",
        (Mood(1, "neutral", person.SCANDAL_NEWS),),
        points=(("08T16:00", 6), ("08T18:00", 2), ("08T22:00", 0)),
        sources=_NEWS,
        roles=_MEDIA,
        dressed=False,
    ),
    Scene(
        SCANDAL,
        (
            Mood(42, "negative", person.SCANDAL_NEG),
            Mood(58, "negative", person.SCANDAL_FEES),
            Mood(4, "negative", person.SCANDAL_BANK),
            Mood(10, "neutral", person.SCANDAL_NEU),
            Mood(6, "positive", person.SCANDAL_POS),
        ),
        points=(("08T16:10", 18), ("08T17:00", 64), ("08T20:00", 54), ("08T21:30", 8), ("08T23:30", 0)),
        roles=(*PEOPLE, ("leader", 5)),
    ),
)
THE_LEAK = (
    Scene(
        "leak-news",
        (Mood(1, "neutral", rivals.LEAK_NEWS),),
        points=(("09T07:30", 5), ("09T10:00", 1)),
        sources=_NEWS,
        roles=_MEDIA,
        dressed=False,
    ),
    Scene(
        LEAK,
        (
            Mood(80, "negative", rivals.LEAK_NEG),
            Mood(14, "neutral", rivals.LEAK_NEU),
            Mood(6, "positive", rivals.LEAK_COMPARE),
        ),
        points=(("09T07:40", 16), ("09T08:20", 42), ("09T11:00", 36), ("09T14:00", 8), ("09T18:00", 0)),
        sources=EVERYWHERE,
    ),
)
INCIDENTS: tuple[Scene, ...] = (
    *THE_LAUNCH,
    *THE_OUTAGE,
    *THE_TROLLS,
    *THE_PRAISE,
    *THE_SCANDAL,
    *THE_LEAK,
)
