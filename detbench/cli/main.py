"""The command line: one file per command, one place where expected errors become a message and an exit code."""

import errno
import sys
from collections.abc import Sequence

import typer

from detbench.cli.blur import blur
from detbench.cli.cache import cache
from detbench.cli.card import card
from detbench.cli.compare import compare
from detbench.cli.console import note_stdout_loss, open_streams, say_error
from detbench.cli.convert import convert
from detbench.cli.deblur import deblur
from detbench.cli.doctor import doctor
from detbench.cli.gate import baseline, gate
from detbench.cli.listing import list_backends
from detbench.cli.merge import merge
from detbench.cli.power import power
from detbench.cli.report import report
from detbench.cli.run import run
from detbench.cli.train import train
from detbench.core.files import check_name
from detbench.core.paths import home_expanded
from detbench.errors import DetbenchError

DISK_ERRORS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP}
"""What is wrong with a disk, its rights or a name on it, and never with the code."""

app = typer.Typer(
    help="Does deblurring help the detector, by how much, at what cost?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run)
app.command("deblur")(deblur)
app.command("merge")(merge)
app.command("report")(report)
app.command("compare")(compare)
app.command("gate")(gate)
app.command("baseline")(baseline)
app.command("power")(power)
app.command("blur")(blur)
app.command("convert")(convert)
app.add_typer(train, name="train")
app.command("card")(card)
app.command("list")(list_backends)
app.add_typer(cache, name="cache")
app.command("doctor")(doctor)


def main() -> None:
    """Run the command line; expected errors end it with one message, anything else is a bug with its traceback."""
    open_streams()
    try:
        app(_words(sys.argv[1:]))
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
