"""How `--help` looks: the class of all commands, and the panels that options are grouped in."""

import re
from textwrap import dedent, indent
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup, TyperOption

PANELS = {
    "What to run": "deblurrer detector dataset blur limit repair pictures size",
    "What to train on": "data mix fraction blurred start",
    "How to measure": "truth resamples harm gate-by metric seconds threads",
    "How to judge": "baseline max-drop confidence rules min-pictures",
    "How to train": "recipe epochs minutes image-px learning-rate seed vgg backbone",
    "How to work": "device precision workers engine shard timeout fresh resume",
    "Where results go": "out name overwrite kernels summary junit json open quiet log-to help",
}
"""Panels in the order in which they are shown, each with its options, where a command does not say otherwise."""

MOST_TOGETHER = 6
"""Options of a command that are shown in one panel; more are grouped by PANELS."""


class Command(TyperCommand):
    """A command. Its docstring ends with a paragraph `Example:` or `Examples:`, which is shown below the options.

    The other paragraphs fill the terminal's width, brackets in texts are no markup, and flags have no type.
    """

    def __init__(self, name: str | None, *, help: str, **settings: Any) -> None:
        prose, examples = split_examples(help)
        super().__init__(name, help=escape(prose), **settings | {"epilog": escape(examples)})
        for param in self.params:
            param.help = escape(getattr(param, "help", None) or "")  # type: ignore[attr-defined]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse words; what is raised for them knows the command."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            error.ctx = ctx  # type: ignore[attr-defined]
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters and `--help`, each with the type that is shown, many options by their panels."""
        params: list[Any] = [_simply_typed(param) for param in super().get_params(ctx)]
        options = [param for param in params if isinstance(param, TyperOption)]
        if len(options) - 1 <= MOST_TOGETHER:  # --help is one of them
            return params
        for option in options:
            option.rich_help_panel = option.rich_help_panel or panel_of(option_name(option))
        return sorted(params, key=lambda param: [None, *PANELS].index(param.rich_help_panel))


class Group(TyperGroup):
    """A command of commands, with examples and types as Command shows them."""

    def __init__(self, *, help: str, **settings: Any) -> None:
        prose, examples = split_examples(help)
        super().__init__(help=escape(prose), **settings | {"epilog": escape(examples)})

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters and `--help`, each with the type that is shown."""
        return [_simply_typed(param) for param in super().get_params(ctx)]


def split_examples(text: str) -> tuple[str, str]:
    """A docstring's prose, each paragraph one line, and its examples as an indented block, empty where it has none."""
    prose, *examples = re.split(r"^(Examples?:)\n", text, maxsplit=1, flags=re.M)
    paragraphs = [" ".join(part.split()) for part in prose.strip().split("\n\n")]
    block = f"{examples[0]}\n\n{indent(dedent(examples[1]).strip(), '    ')}" if examples else ""
    return "\n\n".join(paragraphs), block


def refusal(error: typer.TyperException) -> str:
    """What is wrong with the words of a command line, an example of right ones, and how to see all options.

    Empty where help was printed instead, for no words at all.
    """
    message = error.format_message().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    if not message or context is None:
        return message
    example = context.command.epilog.split("\n")[2].strip()
    return f"{message}\nExample: {example}\nAll options: {context.command_path} --help"


def option_name(param: Any) -> str:
    """An option's name as it is typed, without the dashes."""
    return str(max(param.opts, key=len)).removeprefix("--")


def panel_of(option: str) -> str | None:
    """The panel of an option, None for one that PANELS does not name."""
    return next((panel for panel, options in PANELS.items() if option in options.split()), None)


def _simply_typed(param: Any) -> Any:
    """The parameter, shown as `<str>` where Typer has `<list[str]>`, as `<int>` for `<int range>`; flags bare."""

    def shown(ctx: Any) -> str:
        if getattr(param, "is_flag", False):
            return ""
        one = re.sub(r"^<list\[(.*)\]>$", lambda found: f"<{found[1].lower()}>", param.display_type(ctx))
        return str(one.replace(" range>", ">"))

    param.display_type_rich = shown
    return param
