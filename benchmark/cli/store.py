"""``peephole store``: what lies in a store, whether it is sound, what can go, and a copy for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peephole.cli.flags import Data, Folder, InFolder, Json, names, results_folder
from peephole.cli.streams import say
from peephole.errors import UnknownName
from peephole.store.folder import DEFAULT_OUT

FAULTY = 1

store_app = typer.Typer(
    help="Look after the store of a run: what lies in it, is it sound, what can go, and one file of it for others.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@store_app.command("ls")
def list_shards(
    folder: Folder = None,
    out: InFolder = None,
    kind: Annotated[str | None, typer.Option(help="A line a shard of this kind, such as maps.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is in the store, who is at work on it, and what killed runs left behind.

    Reads receipts alone. Hours are those that units took to compute.

    Examples:

    - `peephole store ls`
    - `peephole store ls results --kind maps`
    - `peephole store ls results --kind scores --json`
    """
    from peephole.cli.store_tables import kinds_table, lines_at_work, shards_table
    from peephole.cli.streams import console
    from peephole.cli.tables import print_json
    from peephole.store.contents import kinds, receipts, store_in
    from peephole.store.described import describe
    from peephole.store.summary import look, shard_facts
    from peephole.submissions.folder import names_by_code

    folder = results_folder(folder, out)
    store = store_in(folder)
    found = describe(receipts(store), names_by_code(folder))
    if kind is not None:
        shards = [one for one in found if one.receipt.kind == kind]
        if not shards and kind not in kinds(store):
            raise UnknownName("kind", kind, kinds(store))
        if as_json:
            print_json([shard_facts(one) for one in shards])
        else:
            console().print(shards_table(shards))
        return
    seen = look(store, [one.receipt for one in found])
    if as_json:
        print_json({"folder": str(folder), **seen.as_json()})
        return
    screen = console()
    screen.print(kinds_table(seen))
    for line in lines_at_work(seen, folder):
        screen.print(line, markup=False, soft_wrap=True)


@store_app.command("check")
def check_shards(
    folder: Folder = None,
    out: InFolder = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Discard damaged shards, so that the next run makes them again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every shard whole and say which are not what was written.

    Compares each with its receipt (SHA-256, length, facts) and its name (the digest of what made it), reads its arrays,
    and looks whether what it was made of is there. Exit code 0 if all is sound, 1 if not, also where --repair discarded
    it for the next run to make again.

    Examples:

    - `peephole store check`
    - `peephole store check results --repair`
    - `peephole store check results --json`
    """
    from peephole.cli.store_tables import ReadingBar
    from peephole.cli.tables import print_json
    from peephole.store import checking
    from peephole.store.contents import kinds, store_in
    from peephole.store.contents import names as there

    folder = results_folder(folder, out)
    store = store_in(folder)
    with ReadingBar() as bar:
        faults = checking.check_store(store, bar.report)
    discarded = checking.repair(store, faults) if repair else []
    count = sum(len(there(store, kind)) for kind in kinds(store)) + len(discarded)
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "shards": count,
                "sound": not faults,
                "faults": [{"file": one.file, "what": one.what, "do": one.do} for one in faults],
                "discarded": [one.file for one in discarded],
            }
        )
    else:
        for one in faults:
            done = "discarded, the next run makes it again" if one in discarded else one.do
            say(f"{folder}/{one.file} {one.what}; {done}.")
        say(f"{count} shards, {len(faults)} at fault." if faults else f"{count} shards, all sound.")
    if faults:
        raise typer.Exit(FAULTY)


@store_app.command("gc")
def collect_garbage(
    folder: Folder = None,
    out: InFolder = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="Take shards away, too, that the folder's board does not need.")
    ] = False,
    data: Data = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be taken away.")] = False,
    as_json: Json = False,
) -> None:
    """Take away what killed runs left: temporary files, halves of shards, dead leases, states of finished trainings.

    Nothing is taken while anybody is at work on the store, nor what is younger than a minute and a half. With --unused,
    the store is left with what the last run's request needs, submissions included.

    Examples:

    - `peephole store gc`
    - `peephole store gc results --unused --dry-run`
    """
    from peephole.cli.tables import print_json
    from peephole.store.contents import store_in
    from peephole.store.leftovers import sweep
    from peephole.unused import take_unused

    folder = results_folder(folder, out)
    store = store_in(folder)
    swept = sweep(store, thorough=True, dry=dry_run)
    gone = take_unused(folder, store, data=data, dry=dry_run) if unused else None
    if as_json:
        print_json(
            {"folder": str(folder), "dry_run": dry_run, "leftovers": swept.as_json(), "unused": gone and gone.as_json()}
        )
        return
    verb = "would be taken away" if dry_run else "taken away"
    if dry_run:
        for path, size in swept.files:
            say(f"{path} ({size} bytes)")
    if swept.busy:
        say("somebody is at work (peephole store ls); leftovers are looked for when nobody is.")
    say(f"leftovers: {len(swept.files)} files and {swept.leases} leases {verb}, {_megabytes(swept.bytes)}.")
    if gone is not None:
        for kind, (count, size) in gone.kinds.items():
            say(f"unused: {count} shards of kind {kind} {verb}, {_megabytes(size)}.")
        say(f"unused: {gone.count} shards {verb}, {_megabytes(gone.bytes)}; {gone.kept} are needed.")


@store_app.command("export")
def export_shards(
    file: Annotated[Path, typer.Argument(metavar="FILE.h5", help="The file to write; an earlier export is replaced.")],
    folder: Annotated[Path, typer.Option("--from", "--out", metavar="DIR", help="Folder with results.")] = DEFAULT_OUT,
    kinds: Annotated[str | None, typer.Option(help="Only these kinds of shards, by commas.")] = None,
    methods: Annotated[str | None, typer.Option(help="Only what is of these methods, by commas, and of none.")] = None,
    layers: Annotated[str | None, typer.Option(help="Only the maps at these layers, by commas.")] = None,
    link: Annotated[
        bool, typer.Option("--link", help="A small file that points to the shards in DIR, by relative paths.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write shards, tables and all maps to one HDF5 file that h5py opens without plugins, and without peephole.

    Shards are copied bit for bit; only Zstandard is exchanged for gzip. `tables/` are columns for pandas, `maps/` the
    maps of all methods in one array a trigger and layer. The file's attribute how_to_read says how to open all that.
    Nothing is written if a shard is missing or damaged.

    Examples:

    - `peephole store export results.h5`
    - `peephole store export maps.h5 --from results --kinds maps,scores --methods grad_cam --layers input,layer3.0`
    - `peephole store export index.h5 --from results --link`
    """
    from peephole.cli.store_tables import ReadingBar
    from peephole.cli.tables import print_json
    from peephole.store.export import Choice, export
    from peephole.texts.tokens import split

    with ReadingBar() as bar:
        done = export(
            folder, file, Choice(names(kinds), split(methods or ""), names(layers)), link=link, report=bar.report
        )
    if as_json:
        print_json(done.as_json())
        return
    say(f"{done.shards} shards in {done.file}, {_megabytes(done.bytes)}; see its attribute how_to_read.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
