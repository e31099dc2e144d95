"""What mkdocs writes into the pages as it builds them: tables that follow from the code, and the sample report.

A page has `<!-- generated: NAME -->` where one of TABLES goes.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File

from detbench import errors
from detbench.cli.main import app
from detbench.cli.train_deblurrer import TRAINED, train_help
from detbench.errors import DetbenchError
from detbench.metrics.specs import METRICS
from detbench.training.architectures import ARCHITECTURES
from detbench.training.recipe import recipe_rows, settings

CHECKOUT = Path(__file__).parents[2]
MARK = re.compile(r"^<!-- generated: (?P<name>\w+) -->$", re.M)
BAR_OUTSIDE_CODE = re.compile(r"(`[^`]*`)|\|")
"""A bar that would end a cell of a table; in code none does."""


def on_files(files: Any, config: Any) -> Any:
    """Add the sample report to the site's files, so that pages can link to it."""
    files.append(File.generated(config, "sample.html", abs_src_path=str(CHECKOUT / "reports" / "sample.html")))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace each mark of a page by what it names."""
    return MARK.sub(lambda found: "\n".join(TABLES[found["name"]]()), markdown)


def commands() -> Iterator[str]:
    """Every command: what it does, its options with their whole text, and an example."""
    for name, command in _leaves(typer.main.get_command(app), "detbench"):
        if name in {f"detbench train {network}" for network in list(TRAINED)[1:]}:
            continue  # all have the options of the first
        if name == f"detbench train {next(iter(TRAINED))}":
            yield from _trained_networks(command)
        else:
            yield from _command(name, command, _plain(command.help), _plain(command.epilog))


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, each in command.commands.items():
        yield from _leaves(each, f"{name} {word}")


def _trained_networks(command: Any) -> Iterator[str]:
    """One entry for the networks, whose commands have the same options, and a line for what each of them is."""
    prose, _, example = train_help("NETWORK", "NETWORK is one of:").partition("Example:\n")
    first, *rest = (" ".join(part.split()) for part in prose.strip().split("\n\n"))
    networks = (f"- `{name}`: {what}" for name, what in TRAINED.items())
    text = "\n\n".join([first, "\n".join(networks), *rest])
    yield from _command("detbench train NETWORK", command, text, f"Example:\n\n    {example.strip()}")


def _command(name: str, command: Any, text: str, example: str) -> Iterator[str]:
    context = command.context_class(command, info_name=name)
    params = command.get_params(context)
    usage = " ".join(_usage(param, context) for param in params if param.required)
    yield from (f"## `{name}`", "", text, "", "```text", f"{name} {usage} [OPTIONS]".replace("  ", " "), "```", "")
    yield from table(("option", "what it is", "default"), [_option(param, context) for param in params])
    lines = [line.strip() for line in example.splitlines()[1:] if line.strip()]
    yield from ("", "```text", *lines, "```", "")


def _usage(param: Any, context: Any) -> str:
    """What stands for a parameter that a command needs: `--out …`, or an argument's name."""
    names = _names(param, context)
    is_option = names.startswith("-")
    return f"{max(param.opts, key=len)} …" if is_option else names.partition(" ")[0].upper()


def _option(param: Any, context: Any) -> list[str]:
    """A row for a parameter: its names and type, its help, and its default, or that it is required."""
    _, text = param.get_help_record(context)
    what, _, extra = _plain(text).partition("  [")
    extras = [each.removeprefix("default: ") for each in extra.removesuffix("]").split("; ") if each]
    return [f"`{_names(param, context)}`", what, ", ".join(extras)]


def _names(param: Any, context: Any) -> str:
    """What a parameter is called, with its type: `-n, --name <str>`, `pictures… <path>`."""
    return str(param.get_help_record(context)[0]).replace("...", "…")


def _plain(text: str | None) -> str:
    """A help text without the backslashes that keep its brackets from being markup."""
    return (text or "").replace("\\[", "[")


def metrics() -> Iterator[str]:
    """Every metric: its key, unit, direction, definition, and where it has no value."""
    rows = [
        [f"`{spec.key}`", spec.title, spec.unit or "–", spec.better, spec.definition, spec.undefined]
        for spec in METRICS.values()
    ]
    yield from table(("key", "title", "unit", "better", "definition", "undefined"), rows)


def recipe_keys() -> Iterator[str]:
    """Every setting of a training: its defaults, for all networks or by network, its range, and what it is."""
    by_network = {name: {row[0]: row for row in recipe_rows(ARCHITECTURES[name].recipe)} for name in TRAINED}
    rows = []
    for key in settings():
        (_, _, bounds, what), *_ = (rows_of[key] for rows_of in by_network.values())
        rows.append([f"`{key}`", what, bounds, _defaults({name: own[key][1] for name, own in by_network.items()})])
    yield from table(("key", "what it is", "range", "default"), rows)


def _defaults(by_network: Mapping[str, str]) -> str:
    """The first network's default, and after it those of the networks that have another."""
    networks = defaultdict(list)
    for name, value in by_network.items():
        networks[value].append(name)
    common, *others = networks
    return "; ".join([_code(common), *(f"{', '.join(networks[value])}: {_code(value)}" for value in others)])


def _code(value: str) -> str:
    return value if value == "–" else f"`{value}`"


def exceptions() -> Iterator[str]:
    """Every error that detbench raises on purpose, with the exit code of the command line."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DetbenchError)]
    rows = [
        [f"`{kind.__name__}`", f"`{kind.__mro__[1].__name__}`", str(kind.exit_code), _first_line(kind)]
        for kind in kinds
    ]
    yield from table(("error", "is a", "exit code", "what is wrong"), rows)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table; a column without any text is left out."""
    columns = [column for column in zip(head, *rows, strict=True) if any(column[1:])]
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in zip(*columns, strict=True)]
    yield from (lines[0], "|---" * len(columns) + "|", *lines[1:])


def _cell(text: str) -> str:
    return BAR_OUTSIDE_CODE.sub(lambda found: found[1] or r"\|", text)


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "commands": commands,
    "metrics": metrics,
    "recipe_keys": recipe_keys,
    "exceptions": exceptions,
}
"""What a page may have generated, by the name in its mark."""
