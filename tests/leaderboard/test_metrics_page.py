"""docs/metrics.md explains every metric, and says which applies to which trigger as the package does."""

import re
from pathlib import Path

from peephole.leaderboard.applicability import applicability
from peephole.leaderboard.base import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_every_metric_has_a_heading() -> None:
    headings = " ".join(line for line in PAGE.splitlines() if line.startswith("### "))
    assert sorted(re.findall(r"`(\w+)`", headings)) == sorted(METRICS)


def test_core_metrics_are_called_so() -> None:
    said = {re.findall(r"`(\w+)`", line)[0] for line in PAGE.splitlines() if re.match(r"### .*, core$", line)}
    assert said == {name for name in METRICS if METRICS[name].core}


def test_the_table_of_triggers_is_that_of_the_package() -> None:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:1] == "|"]
    (header,) = [line for line in lines if line[:2] == ["metric", "square"]]
    said: dict[str, set[str]] = {trigger: set() for column in header[1:] for trigger in column.split(", ")}
    for line in lines[lines.index(header) + 2 :]:
        if len(line) != len(header):
            continue
        for column, mark in zip(header[1:], line[1:], strict=True):
            for metric in re.findall(r"`(\w+)`", line[0]) if mark else []:
                assert mark == ("●" if METRICS[metric].core else "○"), metric
                for trigger in column.split(", "):
                    said[trigger].add(metric)
    assert said == {trigger: set(names) for trigger, names in applicability().metrics.items()}


def test_its_pictures_are_there() -> None:
    found = re.findall(r"!\[.*?\]\((.+?)\)", PAGE)
    assert len(found) == 5
    for name in found:
        assert 0 < (Path(__file__).parents[2] / "docs" / name).stat().st_size < 250_000
