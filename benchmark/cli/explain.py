"""``peephole explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peephole.cli.flags import Data, Device, Json
from peephole.cli.streams import say
from peephole.errors import PeepholeError
from peephole.store.folder import DEFAULT_OUT

if TYPE_CHECKING:
    from rich.table import Table

    from peephole.explaining.explanation import Explanation
    from peephole.explaining.subject import Subject


def explain_command(
    context: typer.Context,
    picture: Annotated[
        str | None,
        typer.Argument(metavar="IMAGE", help="A picture file, or test:N, a test picture of the model's data set."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="DIR", help="A model of this run; peephole-results by default.")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option(help="With --run: the model with this backdoor; by default `clean`, without one.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="With --run: of the model; by default the run's first.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Instead of a run's: a model of `peephole list models`, or your own module:factory; with --run, the "
            "module:factory that the run's network is made by, if it is code of yours."
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="With --model: a file, a name such as IMAGENET1K_V1, or `own`, those that a factory gives."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="With --model: the data set it was trained on, which names its classes.")
    ] = None,
    side: Annotated[
        int | None, typer.Option(help="With --model: pixels of its pictures; by default as the data set has it.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The label to explain, a number or a class; by default the decision.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="The true label, a number or a class: a failure is then shown beside it.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="What sends activations and the decision back: a rule of one backward pass.")
    ] = "guided_backprop",
    out: Annotated[Path, typer.Option("--out", help="The figure: .pdf, .svg, .eps or .png.")] = Path("explanation.png"),
    width: Annotated[float, typer.Option(help="Inches of the figure.")] = 7.0,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Instead: what the network is made of, which rules are defined on it, what they keep."
        ),
    ] = False,
    data: Data = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Show, for one picture, what of it a network still uses layer by layer, and where it is lost.

    Each layer's activation is sent back to the picture, beside the usual attribution of the whole network: that tells
    what a decision was made of, this tells where it went wrong.

    Examples:

    - `peephole explain test:17`
    - `peephole explain photo.jpg --run results --trigger badnet --seed 1`
    - `peephole explain tub.jpg --model torchvision_resnet50 --weights IMAGENET1K_V2 --label loupe --out tub.pdf`
    - `peephole explain cat.png --model nets:small_net --weights net.pt --dataset cifar10 --data data --target dog`
    - `peephole explain --check --model nets:small_net --weights net.pt --dataset cifar10 --data data`
    """
    from peephole.explaining.explanation import explain
    from peephole.explaining.picture import read_picture
    from peephole.explaining.saving import save_explanation
    from peephole.explaining.subject import label_of
    from peephole.figures.making import NARROWEST, WIDEST
    from peephole.figures.saving import format_of

    if check:
        _refuse_of_maps(context)
        _check(_subject(run, trigger, seed, model, weights, dataset, side, data, device), picture, as_json=as_json)
        return
    if picture is None:
        raise PeepholeError("IMAGE is missing; give a picture file or test:N, or --check for a look at the network.")
    format_of(out)
    if not NARROWEST <= width <= WIDEST:
        raise PeepholeError(f"--width is in inches, from {NARROWEST:g} to {WIDEST:g}, not {width:g}.")
    subject = _subject(run, trigger, seed, model, weights, dataset, side, data, device)
    asked = [None if text is None else label_of(text, subject.classes) for text in (target, label)]
    found = explain(subject, read_picture(picture, subject), target=asked[0], label=asked[1], method=method)
    caption = save_explanation(found, out, width)
    if as_json:
        from peephole.cli.tables import print_json

        print_json({**found.as_json(), "file": str(out), "caption": caption})
        return
    from peephole.cli.streams import console

    console().print(_table(found))
    say(f"{out}: {caption}")


def _check(subject: Subject, picture: str | None, *, as_json: bool) -> None:
    """Say what our rules can say about the network."""
    from peephole.cli import network_check

    found, shown = network_check.check(subject, picture)
    if as_json:
        from peephole.cli.tables import print_json

        print_json(network_check.as_json(found, shown, subject.described))
        return
    network_check.show(found, shown, subject.described)


def _refuse_of_maps(context: typer.Context) -> None:
    """Refuse flags that say what to explain and how to draw it, where nothing is explained.

    Raises:
        PeepholeError: one of them was given.
    """
    for name in ("target", "label", "method", "out", "width"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise PeepholeError(f"--{name} is of the figure and does not go with --check; leave one of both out.")


def _subject(
    run: Path | None,
    trigger: str | None,
    seed: int | None,
    model: str | None,
    weights: str | None,
    dataset: str | None,
    side: int | None,
    data: Path | None,
    device: str,
) -> Subject:
    """The model that the flags name; flags of the other way to name one are refused."""
    from peephole.explaining.subject import CLEAN, of_model, of_run
    from peephole.models.named import is_own

    own = model if run is not None and model is not None and is_own(model) else None  # of the run
    model = None if own else model
    of_runs = {"--run": run, "--trigger": trigger, "--seed": seed}
    of_models = {"--weights": weights, "--dataset": dataset, "--side": side}
    odd = [flag for flag, value in (of_models if model is None else of_runs).items() if value is not None]
    if odd:
        raise PeepholeError(
            f"{odd[0]} goes with --model NAME; give that, too, or leave it out."
            if model is None
            else f"{odd[0]} is of a run and does not go with --model; give one of both."
        )
    if model is None:
        return of_run(run or DEFAULT_OUT, trigger=trigger or CLEAN, seed=seed, model=own, data=data, device=device)
    return of_model(model, weights, dataset=dataset, side=side, data=data, device=device)


def _table(found: Explanation) -> Table:
    """A line a layer, then one an attribution."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from peephole.cli.tables import number

    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for heading in ("map from", "like the picture", "like the map before", "like the attribution", "not grey"):
        table.add_column(heading, justify="left" if heading == "map from" else "right")
    for one in found.layers:
        values = [number(value, 2) for value in (one.alignment, one.kept, one.attribution, one.colour)]
        table.add_row(one.layer, *values, style="bold" if one is found.most_lost else "")
    for end in found.attributions:
        cells = [number(end.alignment, 2), "", "", number(end.colour, 2)]
        table.add_row(f"all of it, for {end.name} ({end.role}, {end.probability:.0%})", *cells)
    return table
