"""The command line. Commands are thin: they parse, call the package, and print."""

from __future__ import annotations

import errno
import sys

import typer

from peephole.cli.check import check_command
from peephole.cli.compare import compare_command
from peephole.cli.explain import explain_command
from peephole.cli.figure import figure_command
from peephole.cli.leaderboard import leaderboard_command
from peephole.cli.listing import list_command
from peephole.cli.merge import merge_command
from peephole.cli.new import new_command
from peephole.cli.report import report_command
from peephole.cli.reproduce import reproduce_command
from peephole.cli.run import run_command
from peephole.cli.store import store_app
from peephole.cli.streams import degrade_streams, say
from peephole.cli.submit import submit_command
from peephole.cli.verify import verify_command
from peephole.errors import PeepholeError

USER_ERROR = 2
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

app = typer.Typer(
    name="peephole",
    help=(
        "Plant a backdoor in an image classifier, ask a saliency map to find it, publish how well it did.\n\n"
        "Start with: **peephole run**. It trains small networks, plants seven kinds of backdoors, and ranks "
        "the built-in explanations by how well they find them, in minutes on a laptop."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run_command)
app.command("new")(new_command)
app.command("check")(check_command)
app.command("submit")(submit_command)
app.command("leaderboard")(leaderboard_command)
app.command("compare")(compare_command)
app.command("explain")(explain_command)
app.command("figure")(figure_command)
app.command("merge")(merge_command)
app.command("report")(report_command)
app.command("reproduce")(reproduce_command)
app.command("verify")(verify_command)
app.command("list")(list_command)
app.add_typer(store_app, name="store")


def _version(asked: bool) -> None:
    if asked:
        from peephole._version import __version__

        say(f"peephole {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None: ...


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit code 2."""
    degrade_streams()
    try:
        app()
    except PeepholeError as error:
        say(f"peephole: {' '.join(str(error).splitlines())}", error=True)
        sys.exit(USER_ERROR)
    except OSError as error:  # a disk that is full, a folder that is not writable
        if error.filename is None and error.errno not in DISK:
            raise
        say(f"peephole: {error.filename or 'the disk'}: {error.strerror}; nothing was half-written.", error=True)
        sys.exit(USER_ERROR)
