import pytest
import yaml
from click.testing import CliRunner

from pipeline.recipes import recipe_settings
from stages.cli import main


@pytest.mark.parametrize(("backbone", "batch_size"), [("cspnext_t", 256), ("cspnext_m", 64)])
def test_the_recipe_is_printed_as_yaml_for_params(backbone: str, batch_size: int):
    arguments = ["recipe", "rtmpose", "--backbone", backbone, "--batch-size", str(batch_size)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    assert yaml.safe_load(result.output) == {"train": recipe_settings(backbone, batch_size=batch_size)}


def test_without_options_it_is_that_of_mmposes_configs():
    train = yaml.safe_load(CliRunner().invoke(main, ["recipe", "rtmpose"]).output)["train"]
    assert (train["epochs"], train["batch_size"], train["learning_rate"]) == (420, 256, 0.001)


@pytest.mark.parametrize("arguments", [["rtmdet"], ["rtmpose", "--backbone", "resnet18"]])
def test_what_there_is_no_recipe_for_is_refused_with_what_there_is(arguments: list[str]):
    result = CliRunner().invoke(main, ["recipe", *arguments])
    assert result.exit_code == 2
    assert "is not one of" in result.output or "is not 'rtmpose'" in result.output
