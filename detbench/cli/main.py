"""The command line: one file per command, one place where expected errors become a message and an exit code."""

import errno
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from detbench import __version__
from detbench.cli.blur import blur
from detbench.cli.cache import cache
from detbench.cli.card import card
from detbench.cli.compare import compare
from detbench.cli.config import Configured
from detbench.cli.console import note_stdout_loss, open_streams, print_path, say_error, show_fetching
from detbench.cli.convert import convert
from detbench.cli.deblur import deblur
from detbench.cli.doctor import doctor
from detbench.cli.export import export
from detbench.cli.fetch import fetch
from detbench.cli.gate import baseline, gate
from detbench.cli.help import Command, Group, refusal
from detbench.cli.listing import list_backends
from detbench.cli.log import log
from detbench.cli.merge import merge
from detbench.cli.power import power
from detbench.cli.report import report
from detbench.cli.run import run
from detbench.cli.speed import speed
from detbench.cli.train import train
from detbench.core.files import check_name
from detbench.core.paths import home_expanded
from detbench.core.published import watched
from detbench.errors import DetbenchError

DISK_ERRORS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP}
"""What is wrong with a disk, its rights or a name on it, and never with the code."""


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print_path(f"detbench {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def detbench(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Does deblurring help the detector, by how much, at what cost?

    Examples:
        detbench run --deblurrer nafnet --limit 24
        detbench deblur holiday/ --deblurrer nafnet --out sharp
    """


app.command("run", cls=Configured)(run)
app.command("deblur", cls=Command)(deblur)
app.command("speed", cls=Command)(speed)
app.command("merge", cls=Command)(merge)
app.command("report", cls=Command)(report)
app.command("log", cls=Command)(log)
app.command("compare", cls=Command)(compare)
app.command("gate", cls=Configured)(gate)
app.command("baseline", cls=Command)(baseline)
app.command("power", cls=Command)(power)
app.command("blur", cls=Command)(blur)
app.command("convert", cls=Command)(convert)
app.add_typer(train, name="train")
app.command("export", cls=Command)(export)
app.command("card", cls=Command)(card)
app.command("list", cls=Command)(list_backends)
app.command("fetch", cls=Command)(fetch)
app.add_typer(cache, name="cache")
app.command("doctor", cls=Command)(doctor)


def main() -> None:
    """Run the command line; expected errors end it with one message, anything else is a bug with its traceback."""
    open_streams()
    try:
        with watched(show_fetching):
            sys.exit(app(_words(sys.argv[1:]), prog_name="detbench", standalone_mode=False) or 0)
    except typer.TyperException as error:
        if message := refusal(error):
            say_error(message)
        sys.exit(error.exit_code)
    except DetbenchError as error:
        say_error(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        say_error(f"{error.filename}: {error.strerror}; free it, or name another file or folder")
        sys.exit(DetbenchError.exit_code)
    finally:
        note_stdout_loss()


def _words(typed: Sequence[str]) -> list[str]:
    """The words of the command line, home folders in place of `~`; raises DataError for one that is not UTF-8."""
    for word in typed:
        check_name(word)
    return [home_expanded(word) for word in typed]
