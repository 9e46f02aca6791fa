"""Every command that README.md or docs/ name ends with exit code 0, in a small setting."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from lamp_workspace import kd, write_params, write_people, write_teacher

from stages.cli import main

PROGRAMS = ("kd-pipeline", "python", "make", "dvc", "pip", "npm")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")

# On a workspace of three pictures, in this order. "": as it is written; else: what is run instead.
WORKSPACE_COMMANDS = {
    "kd-pipeline doctor": "",
    "kd-pipeline --help": "",
    "kd-pipeline --version": "",
    "kd-pipeline index-datasets": "",
    "kd-pipeline index-datasets --dataset target": "kd-pipeline index-datasets --dataset street-train",
    "kd-pipeline extract-teachers": "",
    "kd-pipeline train-student": "",
    "kd-pipeline evaluate": "",
    "kd-pipeline evaluate --teachers-only": "",
    "kd-pipeline init . --check": "",
    "kd-pipeline skeleton show": "",
    "kd-pipeline skeleton show --offsets": "",
    "kd-pipeline skeleton show coco17 conventions/studio11.yaml": "kd-pipeline skeleton show coco17 mpii16",
    "kd-pipeline recipe rtmpose": "",
    "kd-pipeline calibrate": "",
    "kd-pipeline calibrate --out": "kd-pipeline calibrate --out calibration.json",
    "kd-pipeline reliability": "",
    "kd-pipeline store ls": "",
    "kd-pipeline store info": "",
    "kd-pipeline store verify": "",
    "kd-pipeline store verify --repair": "",
    "kd-pipeline fidelity": "",
    "kd-pipeline fidelity --plot fidelity.png": "",
    "kd-pipeline fidelity --dataset lspet-val --dataset coco_tiny-val": (
        "kd-pipeline fidelity --dataset street-train"
    ),
    "kd-pipeline ablate ablation.yaml --dry-run": "",
    "kd-pipeline ablate ablation.yaml --jobs 2": "",
    "kd-pipeline ablate ablation.yaml": "",  # of runs that are finished, from here on
    "kd-pipeline ablate ablation.yaml --jobs 2 --threads 1": "",
    "kd-pipeline ablate quick.yaml --jobs 2 --threads 1": "",
    "kd-pipeline ablate settings.yaml --jobs 8 --threads 1": "",
    "kd-pipeline ablate student.yaml": "",
    "kd-pipeline detect-people data/target/images --out data/target/boxes.json --whole-pictures": (
        "kd-pipeline detect-people images --out boxes.json --whole-pictures"
    ),
    "kd-pipeline synthesize DOMAIN --out DIR --train N --val N --unlabelled N --seed S": (
        "kd-pipeline synthesize synth_coco --out rendered --train 2 --val 1 --unlabelled 1 --seed 0"
    ),
    "kd-pipeline init ../mine --template adapt": "kd-pipeline init adapt --template adapt",
    "kd-pipeline init ../mine --template coco-mpii": "kd-pipeline init mine --template coco-mpii",
    "python -m benchmarks.student_speed --workspace ../real": (
        "python -m benchmarks.student_speed --workspace . --rounds 1 --seconds 0.05"
    ),
}
ABLATION = {"name": "small", "seeds": [0], "arms": {"labels": {"distill.weight": 0}}}

STORE = "store --teacher synthetic --crops 32 --shard-size 16 --rounds 1 --seconds 0.02 --json"
BESIDE_ZARR = "store.beside_zarr --rounds 1 --seconds 0.01"
PRESETS = "presets --preset balanced --seeds 1 --crops 4 --epochs 1 --json"
FAULTS = "faults --crops 32 --kills 1 --flips 1 --disks 0 --json"

TEACHERS = "--teacher heatmap_coco --teacher udp_aic --teacher simcc_mpii"
# On the real-data pack or on what they make up.
BENCHMARKS = {
    "python -m benchmarks.student_sizes": "student_sizes",
    "python -m benchmarks.parity": "parity --size t",
    "python -m benchmarks.size": "size --crops 2 --teacher movenet_thunder",
    "python -m benchmarks.size --crops 48": "size --crops 2 --teacher movenet_thunder",
    "python -m benchmarks.teaching --json": "teaching --people 2 --student rtmcc --json",
    "python -m benchmarks.warp": "warp --crops 2 --no-flip --teacher synthetic",
    "python -m benchmarks.warp --crops 64 --plot warp.png": (
        "warp --crops 2 --no-flip --teacher synthetic --plot warp.png"
    ),
    f"python -m benchmarks.warp --offsets --crops 24 {TEACHERS} --no-flip": (
        f"warp --offsets --crops 1 {TEACHERS} --no-flip"
    ),
    f"python -m benchmarks.warp --offsets --crops 24 {TEACHERS}": f"warp --offsets --crops 1 {TEACHERS}",
    "python -m benchmarks.mutations --json": "mutations --trials 20 --json",
    "python -m benchmarks.store.beside_zarr": BESIDE_ZARR,
    "python -m benchmarks.store.beside_zarr --json": f"{BESIDE_ZARR} --json",
    "python -m benchmarks.store --json": STORE,
    "python -m benchmarks.store --json --rounds 9": STORE,
    "python -m benchmarks.memory --json": "memory --images 2 --growth 1 --json",
    "python -m benchmarks.presets": PRESETS,
    "python -m benchmarks.presets --json": PRESETS,
}
# These look at their own process, so it is one of their own.
ALONE = {
    "python -m benchmarks.extract --json": (
        "extract --crops 2 --rounds 1 --batch 2 --shard-size 2 --workers 0 --json"
    ),
    "python -m benchmarks.faults": FAULTS,
    "python -m benchmarks.faults --json": FAULTS,
}
TESTED = {
    "dvc repro": "tests/stages/test_dvc.py::test_a_second_repro_does_nothing",
    "dvc repro extract": "tests/stages/test_dvc.py::test_the_commands_of_the_ablations_page",
    "dvc exp run": "tests/stages/test_dvc.py::test_an_experiment_reuses_the_stores",
    "dvc exp run -S distill.weight=0.5": "tests/stages/test_dvc.py::test_an_experiment_reuses_the_stores",
    "dvc exp run --queue": "tests/stages/test_dvc.py::test_the_commands_of_the_ablations_page",
    "dvc exp run --queue -S ++train.seed=0,1,2 -S ++distill.weighting=fixed,confidence": (
        "tests/stages/test_dvc.py::test_the_commands_of_the_ablations_page"
    ),
    "dvc exp run --queue -S ++train.seed=0,1,2 -S distill.weight=0": (
        "tests/stages/test_dvc.py::test_the_commands_of_the_ablations_page"
    ),
    "dvc exp show": "tests/stages/test_dvc.py::test_the_commands_of_the_ablations_page",
    "dvc exp show --csv": "tests/stages/test_dvc.py::test_the_commands_of_the_ablations_page",
    "dvc metrics show": "tests/stages/test_dvc.py::test_experiments_are_compared_by_a_handful_of_numbers",
    "dvc plots show": (
        "tests/stages/test_dvc.py::test_plots_show_every_joint_as_a_bar_and_every_loss_as_a_curve"
    ),
    "dvc plots show runs/student/dvclive/plots/metrics/validation": (
        "tests/stages/test_dvc.py::test_the_commands_of_the_ablations_page"
    ),
    "python -m benchmarks.train --json": (
        "tests/benchmarks/test_train.py::test_the_command_tells_every_figure"
    ),
    "python -m benchmarks.train --workspace DIR": (
        "tests/benchmarks/test_train.py::test_the_command_tells_every_figure"
    ),
    "kd-pipeline init ../real --template real-sample --data PACK": (
        "tests/test_documented_commands.py::test_the_template_of_real_people_is_made_from_the_pack"
    ),
}
NOT_RUN = {
    "kd-pipeline init ../mine --template coco-mpii --check": (
        "lists the files to bring, with exit code 1; `kd-pipeline init . --check` is run"
    ),
    "make demo": "installs from the network, then runs `dvc repro` and prints evaluation/table.md",
    "make test": "runs these tests",
    "make install": "installs from the network",
    "make docs": "installs from the network; tests/stages/documentation makes the same pages",
    "make same": "compares with a fingerprint of one machine; tests/benchmarks/test_same.py tests its parts",
    "python -m benchmarks.same --record": "the same",
    "python -m stages.documentation": "writes into docs/; tests/stages/documentation makes the same pages",
    "make lint": "installs from the network; .ci/run begins with it",
    "pip install 'kd-pipeline[imagenet]'": "installs from the network",
    "pip install 'kd-pipeline[timm]'": "installs from the network",
    "npm install zarrita@0.7": "installs from the network",
    "python demo/train_teachers.py": "trains for an hour; tests/demo/test_train_teachers.py tests the result",
    "dvc queue start --jobs 2": "starts processes in the background that outlive the test",
    "kd-pipeline detect-people data/target/images --out data/target/boxes.json "
    "--config mmdet::... --checkpoint ...": "needs a detector's weights from the network",
}
ONLY_MENTIONED = {"kd-pipeline ablate", "kd-pipeline ablate ...", "kd-pipeline detect-people"}
ONLY_MENTIONED |= {"python -m benchmarks.NAME"}
ONLY_MENTIONED |= {"kd-pipeline detect-people --whole-pictures", "python -m benchmarks.student_speed"}
"""Names of commands in a sentence, short of what they need to run; with that, they are above."""


def commands_in(text: str) -> list[str]:
    """From code blocks and inline code, without comments, redirections and `nice`, a single space between
    words; a line of several commands, joined by `&&`, is several."""
    fences = [lines for language, lines in FENCE.findall(text) if language in ("", "sh", "bash", "console")]
    prose = FENCE.sub("", text)
    code = "\n".join(fences).splitlines() + INDENTED.findall(prose) + INLINE.findall(prose)
    parts = [part for line in code for part in re.split(r"\s#|\s>\s", line, maxsplit=1)[0].split("&&")]
    commands = [" ".join(part.split()).removeprefix("nice ") for part in parts]
    return [command for command in commands if command.split(" ")[0] in PROGRAMS and " " in command]


def documented(repository: Path) -> set[str]:
    """docs/commands.md is not asked: it has the synopsis of every command, made from click."""
    pages = [repository / "README.md", repository / "CONTRIBUTING.md", *(repository / "docs").rglob("*.md")]
    pages.remove(repository / "docs" / "commands.md")
    return {command for page in pages for command in commands_in(page.read_text(encoding="utf-8"))}


def test_commands_are_found_in_blocks_and_in_sentences():
    text = (
        "Run `kd-pipeline store\nls` or `dvc.yaml`, not `make`.\n\n    cd x && nice dvc repro   # all\n\n"
        "```\nmake demo > log\n```\n\n```yaml\nmake it: so\n```\n"
    )
    assert sorted(commands_in(text)) == ["dvc repro", "kd-pipeline store ls", "make demo"]


def test_every_documented_command_is_run_or_has_a_reason_not_to_be(repository: Path):
    lists = (WORKSPACE_COMMANDS, BENCHMARKS, ALONE, TESTED, NOT_RUN, ONLY_MENTIONED)
    known = {command for commands in lists for command in commands}
    assert documented(repository) - known == set(), "run them in a small setting, above"
    assert known - documented(repository) == set(), "documented no more"
    assert sum(map(len, lists)) == len(known), "in two lists"


@pytest.mark.parametrize("test", sorted(set(TESTED.values())))
def test_the_tests_that_run_commands_are_there(test: str, repository: Path):
    path, _, name = test.partition("::")
    assert f"\ndef {name}(" in (repository / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures and a small teacher, with a student."""
    folder = tmp_path_factory.mktemp("documented")
    write_people(folder)
    write_teacher(folder / "teachers" / "lamp")
    write_params(folder)
    for file in ("ablation.yaml", "quick.yaml", "settings.yaml", "student.yaml"):
        (folder / file).write_text(yaml.safe_dump(ABLATION))
    for command in ("index-datasets", "extract-teachers", "train-student"):
        kd(folder, command)
    return folder


def command_of(module: str) -> click.Command:
    """What `python -m module` runs."""
    found = importlib.import_module(module)
    return importlib.import_module(f"{module}.__main__").main if hasattr(found, "__path__") else found.main


def ends_well(command: click.Command, arguments: Sequence[str]) -> None:
    done = CliRunner().invoke(command, list(arguments))
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"


@pytest.mark.slow
@pytest.mark.xdist_group("documented")
@pytest.mark.parametrize("documented", WORKSPACE_COMMANDS)
def test_a_command_ends_well_in_a_small_workspace(documented: str, workspace: Path, monkeypatch):
    monkeypatch.chdir(workspace)
    program, *arguments = (WORKSPACE_COMMANDS[documented] or documented).split()
    if program == "python":
        ends_well(command_of(arguments[1]), arguments[2:])
    else:
        ends_well(main, arguments)


@pytest.mark.realdata
def test_the_template_of_real_people_is_made_from_the_pack(realdata: Path, tmp_path: Path):
    ends_well(main, ["init", str(tmp_path / "real"), "--template", "real-sample", "--data", str(realdata)])


@pytest.mark.slow
@pytest.mark.mm
@pytest.mark.realdata
@pytest.mark.parametrize("small", dict.fromkeys(BENCHMARKS.values()))
def test_a_benchmark_ends_well_at_a_small_size(small: str, realdata: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("KD_REALDATA", str(realdata))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    name, *options = small.split()
    if name.startswith("store"):
        for package in ("h5py", "hdf5plugin", "lmdb"):
            pytest.importorskip(package, reason="of kd-pipeline[benchmark]")
    ends_well(command_of(f"benchmarks.{name}"), options)


@pytest.mark.slow
@pytest.mark.parametrize("small", dict.fromkeys(ALONE.values()))
def test_a_benchmark_ends_well_in_a_process_of_its_own(small: str, repository: Path):
    name, *options = small.split()
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
