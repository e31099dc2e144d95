"""Settings that a repository commits: options of `run` and `gate` in `detbench.toml` or `pyproject.toml`.

    [run]                                   in pyproject.toml: [tool.detbench.run]
    deblurrer = ["nafnet", "wiener"]
    dataset = "data/val"
    min-pictures = 50                       or min_pictures

The nearest file counts: that of the working folder, or in a repository of one of its parents up to the root. Words of
the command line win over it. Paths are taken from the file's folder.
"""

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperOption

from detbench.cli.console import note
from detbench.cli.help import Command, option_name
from detbench.core.files import exists, is_file, read_text
from detbench.core.paths import home_expanded
from detbench.errors import UsageError, did_you_mean

FILES = {"detbench.toml": (), "pyproject.toml": ("tool", "detbench")}
"""Names of files with settings, the first before the second, and under which keys the tables are in them."""

COMMANDS = ("run", "gate")
"""Commands that have a table."""

RIVALS = {"max_drop": "rules", "rules": "max_drop"}
"""Parameters of which one replaces the other, so that a typed one wins over its rival in a file."""

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class ConfigFile:
    """A file with settings, and its tables by command."""

    path: Path
    tables: Mapping[str, Any]

    def table(self, command: str) -> dict[str, Any]:
        """The settings of a command; raises UsageError where the file has tables of no command, or none at all."""
        for name, table in self.tables.items():
            if name not in COMMANDS:
                raise UsageError(
                    f"{self.path}: {name!r} is no table of settings.{did_you_mean(name, COMMANDS)} "
                    f"Tables are {' and '.join(self.title(each) for each in COMMANDS)}"
                )
            if not isinstance(table, dict):
                raise UsageError(f"{self.path}: {name!r} is no table; begin it with a line {self.title(name)}")
        return dict(self.tables.get(command, {}))

    def title(self, command: str) -> str:
        """The line above a command's settings."""
        return f"[{'.'.join((*FILES[self.path.name], command))}]"


def find_config(folder: Path) -> ConfigFile | None:
    """The file that counts in a folder, None where there is none; raises UsageError for one that is not TOML."""
    for place in _searched(folder):
        for name, keys in FILES.items():
            file = place / name
            tables = _tables(file, keys) if is_file(file) else None
            if tables is not None:
                return ConfigFile(Path(os.path.relpath(file, folder)), tables)
    return None


def _searched(folder: Path) -> list[Path]:
    """The folder, and where it is in a repository, its parents up to the root."""
    folders = [folder, *folder.parents]
    root = next((place for place, each in enumerate(folders) if exists(each / ".git")), 0)
    return folders[: root + 1]


def _tables(file: Path, keys: tuple[str, ...]) -> dict[str, Any] | None:
    try:
        content: Any = tomllib.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: not TOML ({error}); correct it, for settings may stand there") from None
    for key in keys:
        content = content.get(key, {}) if isinstance(content, dict) else {}
    if isinstance(content, dict):
        return content or None
    raise UsageError(f"{file}: {'.'.join(keys)} is no table; begin it with a line [{'.'.join((*keys, COMMANDS[0]))}]")


class Configured(Command):
    """A command whose options may stand in a file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the file's settings as defaults; `--help` shows detbench's own."""
        config = None
        if not ctx.resilient_parsing and not set(ctx.help_option_names) & set(args):
            config = find_config(Path.cwd())
        if config is not None:
            ctx.meta[__name__] = config.path
            ctx.default_map = dict(self._settings(ctx, config))
        rest = super().parse_args(ctx, args)
        for typed, rival in RIVALS.items():
            if _source(ctx, typed) == COMMAND_LINE and _source(ctx, rival) not in (None, COMMAND_LINE):
                ctx.params[rival] = None
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; say first which of its settings are a file's."""
        named = [option for option, source in settings_from(ctx).items() if source != COMMAND_LINE]
        if named:
            note(f"Settings from {ctx.meta[__name__]}: {', '.join(named)}")
        return super().invoke(ctx)

    def _settings(self, ctx: typer.Context, config: ConfigFile) -> Iterator[tuple[str, Any]]:
        """Parameters with the values that the file gives them; raises UsageError for what is no option or value."""
        hints = get_type_hints(self.callback)
        options = {option_name(param): param for param in self.params if isinstance(param, TyperOption)}
        for option, (where, value) in self._by_option(config, options).items():
            param, hint = options[option], hints[options[option].name]
            found = _from_folder(_checked(value, hint, where), config.path.parent, is_path=_plain(hint) is Path)
            try:
                param.process_value(ctx, found)
            except typer.BadParameter as error:
                raise UsageError(f"{where} = {value!r}: {error.message}") from None
            yield param.name, found

    def _by_option(self, config: ConfigFile, options: Collection[str]) -> dict[str, tuple[str, Any]]:
        """The file's values by option, each with where it stands; tables of rules make the file itself one of rules."""
        found: dict[str, tuple[str, Any]] = {}
        for key, value in config.table(self.name or "").items():
            is_rule = key == "rule" and "rules" in options
            option = "rules" if is_rule else key.replace("_", "-")
            where = f"{config.path}: {config.title(self.name or '')} {key}"
            if option not in options:
                raise UsageError(
                    f"{where}: no such option.{did_you_mean(option, options)} `detbench {self.name} --help` shows all"
                )
            if option in found:
                raise UsageError(f"{where}: given twice, and before as {found[option][0].split()[-1]}; leave one out")
            found[option] = where, config.path.name if is_rule else value
        return found


def settings_from(ctx: typer.Context) -> dict[str, str]:
    """Where the options of a command that are not the defaults come from: "command line", or the name of a file."""
    options = {option_name(param): param.name for param in ctx.command.params if isinstance(param, TyperOption)}
    found = {option: _source(ctx, name) for option, name in options.items()}
    return {option: source for option, source in found.items() if source is not None}


def _source(ctx: typer.Context, name: str) -> str | None:
    source = ctx.get_parameter_source(name)
    names = {"COMMANDLINE": COMMAND_LINE, "DEFAULT_MAP": ctx.meta.get(__name__, Path()).name}
    return None if source is None or ctx.params.get(name) is None else names.get(source.name)


def _plain(hint: Any) -> Any:
    """A parameter's type without None."""
    kinds = [each for each in get_args(hint) if each is not type(None)]
    return kinds[0] if type(None) in get_args(hint) else hint


KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    Path: "a path in quotes",
}


def _checked(value: Any, hint: Any, where: str) -> Any:
    """A TOML value of an option's type; raises UsageError for one of another."""
    kind = _plain(hint)
    if get_origin(kind) is Literal:
        words = get_args(kind)
        if value not in words:
            near = did_you_mean(value, words) if isinstance(value, str) else ""
            raise UsageError(f"{where} = {value!r}: it is one of {', '.join(words)}.{near}")
        return value
    if get_origin(kind) is list:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise UsageError(f'{where} = {value!r}: it is a list of texts, such as ["one", "another"]')
        return value
    fitting = {float: (int, float), Path: (str,)}.get(kind, (kind,))
    if type(value) not in fitting:
        raise UsageError(f"{where} = {value!r}: it is {KINDS[kind]}")
    return value


def _from_folder(value: Any, folder: Path, *, is_path: bool) -> Any:
    """A value with its paths taken from the folder: the value itself, or parts with a `/` that lead to something."""
    if isinstance(value, list):
        return [_from_folder(each, folder, is_path=is_path) for each in value]
    if not isinstance(value, str):
        return value
    expanded = home_expanded(value)
    if folder == Path():
        return expanded
    if is_path:
        return str(folder / expanded)
    return re.sub(r"(?<![^=:,\s])[^/#=:,\s]+/[^#=:,\s]*", lambda found: _there(found[0], folder), expanded)


def _there(path: str, folder: Path) -> str:
    return str(folder / path) if exists(folder / path) else path
