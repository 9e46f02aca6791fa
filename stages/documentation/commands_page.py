"""docs/commands.md: every command, its arguments and options."""

import textwrap
from collections.abc import Iterator

import click

from stages.documentation.markdown import prose, table

_HEAD = """\
# Commands

What `kd-pipeline COMMAND --help` prints, for every command. Generated from `stages/commands/` by `make docs`.

Exit codes, where a command does not say otherwise: 0 done, 2 an error with its remedy in the message,
130 interrupted.
"""
_COLUMNS = ("option", "default", "meaning")
_AS_IT_IS = "\b"
"""How click marks a paragraph whose lines stay as they are."""


def commands_page(command: click.Command, name: str) -> str:
    """The page: a heading for each command, in the order of `--help`."""
    return "\n".join([_HEAD, *_chapters(command, click.Context(command, info_name=name))])


def _chapters(command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield f"## `{ctx.command_path}`\n"
    yield f"    {' '.join([ctx.command_path, *command.collect_usage_pieces(ctx)])}\n"
    yield "\n\n".join(_paragraph(text) for text in _paragraphs(command)) + "\n"
    options = [_row(param, ctx) for param in command.params if isinstance(param, click.Option)]
    if options:
        yield table(_COLUMNS, options) + "\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None and not inner.hidden:
                yield from _chapters(inner, click.Context(inner, info_name=name, parent=ctx))


def _paragraphs(command: click.Command) -> list[str]:
    return (command.help or "").strip().split("\n\n")


def _paragraph(text: str) -> str:
    lines = text.splitlines()
    if lines[0].strip() == _AS_IT_IS:
        return "\n".join(["```", textwrap.dedent("\n".join(lines[1:])), "```"])
    return prose(text)


def _row(option: click.Option, ctx: click.Context) -> tuple[str, str, str]:
    """An argument has none: its meaning is in the command's text."""
    name, _ = option.get_help_record(ctx) or ("", "")
    allowed = option.get_help_extra(ctx).get("range")
    within = f" ({allowed})" if allowed else ""
    return f"`{name}`", _default(option, ctx), prose(f"{option.help or ''}{within}")


def _default(option: click.Option, ctx: click.Context) -> str:
    """What help says of it, else the value itself; a flag that is off, or nothing, has none."""
    if option.required:
        return "—"
    if isinstance(option.show_default, str):
        return option.show_default
    value = option.get_default(ctx)
    plain = value if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    return "" if plain is None else f"`{plain}`"
