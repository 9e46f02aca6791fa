"""What was meant by an unknown command or option."""

from collections.abc import Iterable

import click

from pipeline.errors import did_you_mean

LIKENESS = 0.5
"""Likeness from which a command is taken for another one misspelt."""


class GuessingGroup(click.Group):
    """Answers an unknown command with the nearest one, and an unknown option that is a setting's name with
    where it is set."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            names = [name for name, command in self.commands.items() if not command.hidden]
            near = near_command(args[0], names)
            if not near:
                raise
            raise click.UsageError(f"there is no command {args[0]!r}. {near}", ctx) from error

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            settings = settings_called(error.option_name.lstrip("-").replace("-", "_"))
            if not settings:
                raise
            places = " or ".join(settings)
            message = f"there is no option {error.option_name}. It is a setting of params.yaml: {places}."
            raise click.UsageError(message, error.ctx) from error


def near_command(given: str, names: Iterable[str]) -> str:
    """The question for the command that begins with what was given, or is otherwise like it; else empty."""
    names = list(names)
    longer = [name for name in names if len(given) > 1 and given in name.split("-")]
    if longer:
        return f"Did you mean {' or '.join(map(repr, longer))}?"
    return did_you_mean(given, names, LIKENESS)


def settings_called(name: str) -> list[str]:
    """The settings of params.yaml that go by this name, with their sections; those of a section's own before
    those of one within."""
    from pipeline.params import Params

    found = list(_settings(Params, name))
    least = min((setting.count(".") for setting in found), default=0)
    return [setting for setting in found if setting.count(".") == least]


def _settings(section: type, name: str, place: str = "") -> Iterable[str]:
    from pipeline.params import section_in

    for field, info in section.model_fields.items():
        if field == name and place:
            yield f"{place}{field}"
        inner = section_in(info.annotation)
        if inner is not None:
            yield from _settings(inner, name, f"{place}{field}.")
