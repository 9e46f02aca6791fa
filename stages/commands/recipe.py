"""`kd-pipeline recipe`: the settings that `train.recipe` stands for, written out."""

import click
import yaml

from pipeline.recipes import BACKBONES, BATCH_SIZE, RECIPES, recipe_settings


@click.command("recipe")
@click.argument("name", type=click.Choice(RECIPES))
@click.option(
    "--backbone",
    type=click.Choice(list(BACKBONES)),
    default="cspnext_t",
    show_default=True,
    help="Of the student.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 8192),
    default=BATCH_SIZE,
    show_default=True,
    help="Which the learning rate is in proportion to.",
)
def recipe(name: str, backbone: str, batch_size: int) -> None:
    """Print what train.recipe NAME sets, as YAML for params.yaml, where it can be changed.

    To change a setting: paste the output in place of train.recipe.
    """
    settings = {"train": recipe_settings(backbone, batch_size=batch_size)}
    click.echo(yaml.safe_dump(settings, sort_keys=False, default_flow_style=None), nl=False)
