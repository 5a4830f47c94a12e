"""The part of ``peephole explain`` that says what our rules can say about a network."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peephole.attributions.network_check import NetworkCheck
    from peephole.explaining.subject import Subject

DEFINED = " is not defined on "
"""What stands between a rule's name and the reason for which it is refused."""
PICTURES = 4
"""How many pictures the rules are tried on where none is named."""


def check(subject: Subject, picture: str | None) -> tuple[NetworkCheck, str]:
    """Check a network on one picture, on the first test pictures of its data set, or on random ones.

    Returns:
        What was found, and on which pictures.

    Raises:
        PeepholeError: the network is none that can be explained, or there is no such picture.
    """
    import torch

    from peephole.attributions.graph import canonicalise
    from peephole.attributions.network_check import check_network
    from peephole.explaining.picture import read_picture

    size = (len(subject.network.normalise.mean), subject.side, subject.side)
    if picture is not None:
        x, shown = torch.from_numpy(read_picture(picture, subject).image.copy())[None].float() / 255, picture
    elif subject.dataset is not None:
        images = subject.dataset.load("test").images[:PICTURES]
        x, shown = torch.from_numpy(images.copy()).float() / 255, f"the first {len(images)} test pictures"
    else:
        x = torch.rand(PICTURES, *size, generator=torch.Generator().manual_seed(0))
        shown = f"{PICTURES} random pictures"
    x = x.to(subject.device)
    graph = canonicalise(subject.network, size)
    with torch.no_grad():
        target = graph(x).argmax(1)
    return check_network(graph, x, target), shown


def as_json(found: NetworkCheck, shown: str, described: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "network": described,
        "pictures": shown,
        "one_size": found.one_size,
        "operations": [
            {"operation": one.operation.name.lower(), "count": one.count, "first": one.first}
            for one in found.operations
        ],
        "layers": [{"layer": name, "shape": list(shape)} for name, shape in found.layers],
        "rules": [asdict(rule) for rule in found.rules],
    }


def show(found: NetworkCheck, shown: str, described: str) -> None:
    """Print operations, layers and rules."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from peephole.cli.streams import console
    from peephole.cli.tables import number

    out = console()
    size = " Its code decides by the size of its pictures: this holds for that size only." if found.one_size else ""
    out.print(Text(f"{described}, tried on {shown}.{size}"), soft_wrap=True)
    operations = Table(header_style="bold", box=SIMPLE_HEAD)
    for heading in ("operation", "sites", "first"):
        operations.add_column(heading, justify="right" if heading == "sites" else "left", overflow="fold")
    for one in found.operations:
        operations.add_row(one.operation.value, str(one.count), Text(one.first))
    out.print(operations)
    names = ", ".join(f"{name} ({'×'.join(map(str, shape))})" for name, shape in found.layers)
    out.print(Text(f"{len(found.layers)} layers: {names}"), soft_wrap=True)
    rules = Table(header_style="bold", box=SIMPLE_HEAD)
    for heading in ("rule", "layers", "keeps", "at least", ""):
        rules.add_column(heading, justify="left" if heading in ("rule", "") else "right", overflow="fold")
    refused: dict[str, list[str]] = {}
    for rule in found.rules:
        if rule.refused:
            refused.setdefault(rule.refused.partition(DEFINED)[2] or rule.refused, []).append(rule.name)
            continue
        remark = rule.failed or ("" if rule.tried else "defined; not tried")
        kept = ["" if value is None else number(value, 2) for value in (rule.kept, rule.kept_least)]
        rules.add_row(rule.name, str(rule.layers), *kept, Text(remark))
    if rules.row_count:
        out.print(rules)
    for why, names_of in refused.items():
        out.print(Text(f"Not defined on {why}"), soft_wrap=True)
        out.print(Text(f"  {', '.join(names_of)}\n"), soft_wrap=True)
    out.print(
        Text(
            "keeps: of what a rule hands down (the logit, or its difference from that of a zero activation), the share "
            "that the map of the lowest layer holds, the median over the pictures; at least: where it is the least."
        ),
        soft_wrap=True,
    )
