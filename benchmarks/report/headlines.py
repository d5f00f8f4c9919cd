"""The figures to be quoted, each beside its best rival; it must never pick the round that suits us."""

from collections.abc import Iterator, Sequence

from benchmarks.report.figures import better, times, times_better
from benchmarks.report.layout import Headline, Section
from benchmarks.report.tables import figure_of
from benchmarks.rows import Row
from benchmarks.systems.pgqueue import PgQueue

MACHINE = "machine"
"""Whose rows are limits: no rival."""
HEAD = ("| scenario | what | pgqueue | best rival | times as good |", "|---|---|---:|---:|---:|")


def markdown_of(sections: Sequence[Section], rows: Sequence[Row]) -> list[str]:
    """One table of all of them; a headline whose row was not measured is left out."""
    lines = [line for section in sections for line in _lines(section, rows)]
    return [*HEAD, *lines, ""] if lines else []


def _lines(section: Section, rows: Sequence[Row]) -> Iterator[str]:
    own = [row for row in rows if row.scenario == section.scenario]
    for headline in section.headlines:
        ours = next((row for row in own if _is_ours(row, headline)), None)
        if ours is None:
            continue
        rival = _best_rival(headline, own)
        ratio = times_better(headline.metric, ours.value, rival.value) if rival else None
        cells = [
            section.scenario,
            headline.about,
            f"**{figure_of(ours)}**",
            f"{rival.label} {figure_of(rival)}" if rival else "",
            f"**{times(ratio)}**" if ratio is not None else "",
        ]
        yield f"| {' | '.join(cells)} |"


def _matches(row: Row, headline: Headline) -> bool:
    return (
        row.metric == headline.metric
        and headline.batch in {None, row.batch}
        and all(row.settings.get(name) == value for name, value in headline.settings.items())
    )


def _is_ours(row: Row, headline: Headline) -> bool:
    return _matches(row, headline) and (row.system, row.durability) == (PgQueue.name, headline.durability)


def _best_rival(headline: Headline, rows: Sequence[Row]) -> Row | None:
    """Of its durability, or of the one it is held against on purpose."""
    durability = headline.against or headline.durability
    rivals = [
        row
        for row in rows
        if _matches(row, headline)
        and row.durability == durability
        and row.system not in {PgQueue.name, MACHINE}
    ]
    if better(headline.metric) == "less":
        return min(rivals, key=lambda row: row.value, default=None)
    return max(rivals, key=lambda row: row.value, default=None)
