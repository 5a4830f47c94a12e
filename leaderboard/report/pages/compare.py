"""The page that compares any two methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from peephole.leaderboard.alignment import Lineup, Row
from peephole.leaderboard.comparison import Verdict
from peephole.leaderboard.report.columns import method_entries, metric_entries, score_rows, view_columns
from peephole.leaderboard.report.contents import Gallery
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.pairs import Pairs, compare_all
from peephole.leaderboard.report.subject import Subject
from peephole.leaderboard.report.views import under

SIGNS: Mapping[Verdict, str] = {"not separable": "=", "better": "+", "worse": "-"}


def pages(subject: Subject) -> Iterator[Page]:
    """One page, with all comparisons of methods at their best layers in it."""
    board = subject.contents.board
    lineup = board.lineup if board else None
    pairs = compare_all(lineup, board.best_rows, board.metrics) if board and lineup else None
    scores = _by_trigger(lineup, board.best_rows) if board and lineup else {}
    places = {name: place for place, name in enumerate(subject.methods)}
    data = {
        "methods": method_entries(subject),
        "layers": subject.layers,
        "metrics": metric_entries(subject),
        "views": [view_columns(subject, view) for view in subject.views[:1]],
        "pairs": _columns(pairs, places, subject) if pairs else None,
        "byTrigger": {trigger: _numbers(each) for trigger, each in scores.items()},
        "galleries": [_gallery(gallery, places) for gallery in subject.contents.galleries],
    }
    rows = [row for view in subject.views for row in score_rows(view)]
    few = min((len(each.models) for each in lineup.pictures.values()), default=1) if lineup else 1
    context = {"data": data, "rows": rows, "few": few, "paired": pairs is not None}
    yield Page("compare.html", "compare.html", "Compare two methods", context)


def _by_trigger(lineup: Lineup, rows: Sequence[Row]) -> dict[str, Pairs]:
    """The same pairs by their scores under each trigger alone, where there are any."""
    found = {trigger: compare_all(under(lineup, trigger), rows, ()) for trigger in lineup.pictures}
    return {trigger: pairs for trigger, pairs in found.items() if pairs is not None}


def _columns(pairs: Pairs, places: dict[str, int], subject: Subject) -> dict[str, Any]:
    layers = {layer: place for place, layer in enumerate(subject.layers)}
    return {
        "rows": [[places[method], layers[layer]] for method, _, layer in pairs.rows],
        "measures": pairs.measures,
        **_numbers(pairs),
    }


def _numbers(pairs: Pairs) -> dict[str, Any]:
    return {
        **{name: getattr(pairs, name) for name in ("one", "other", "difference", "low", "high", "p")},
        "verdict": [[SIGNS[each] for each in row] for row in pairs.verdicts],
    }


def _gallery(gallery: Gallery, places: dict[str, int]) -> dict[str, Any]:
    return {
        "trigger": gallery.trigger,
        "side": gallery.side,
        "metric": gallery.metric,
        "pictures": [
            {"place": each.place, "target": each.target, "file": each.stamped, "outline": each.outline}
            for each in gallery.pictures
        ],
        "sheets": {
            str(places[name]): {
                "file": sheet.file,
                "questions": sheet.questions,
                "layers": sheet.layers,
                "values": sheet.values,
            }
            for name, sheet in gallery.sheets.items()
            if name in places
        },
    }
