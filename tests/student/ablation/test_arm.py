import pytest

from pipeline.errors import KDError
from pipeline.files.yaml_file import load_yaml
from student.ablation.ablation_file import AblationFile
from student.ablation.arm import resolve_arms


@pytest.fixture
def values(workspace):
    return load_yaml(workspace.root / "params.yaml")


def arms(values, **sections):
    file = AblationFile.model_validate({"name": "toy", "seeds": [0], **sections})
    return {arm.name: arm.params for arm in resolve_arms(file, values, "a.yaml")}


def test_an_arm_is_params_yaml_then_base_then_its_own_overrides(values):
    found = arms(
        values,
        base={"train.epochs": 7, "train.learning_rate": 0.002, "runtime.workers": 1},
        arms={"plain": {}, "short": {"train.epochs": 3, "train.augment.flip": 0.0}},
    )
    assert list(found) == ["plain", "short"]
    assert (found["plain"].train.epochs, found["short"].train.epochs) == (7, 3)
    assert {params.train.learning_rate for params in found.values()} == {0.002}
    assert (found["plain"].train.augment.flip, found["short"].train.augment.flip) == (0.5, 0.0)
    assert found["short"].train.batch_size == values["train"]["batch_size"]
    assert found["short"].runtime.workers == 1


def test_a_sections_mapping_is_merged_into_the_section(values):
    values["distill"] = {"weighting": "confidence", "temperature": 2.0}
    values["train"]["augment"] = {"flip": 0.25, "scale": 0.1}
    found = arms(
        values,
        base={"train": {"augment": {"scale": 0.2}}},
        arms={"gt": {"distill": {"weight": 0}, "train": {"augment": {"shift": 0.0}, "epochs": 3}}},
    )["gt"]
    assert (found.distill.weight, found.distill.weighting, found.distill.temperature) == (
        0,
        "confidence",
        2.0,
    )
    augment = found.train.augment
    assert (augment.flip, augment.scale, augment.shift) == (0.25, 0.2, 0.0)
    assert (found.train.epochs, found.train.batch_size) == (3, values["train"]["batch_size"])


def test_an_arm_without_distillation_keeps_the_preset_beside_it(values):
    values["distill"] = {"preset": "paper"}
    values["train"] |= {"ground_truth_weight": 0.3, "label_beta": 10}
    values["cells"]["teachers"] = values["cells"]["teachers"][:2]
    found = arms(values, arms={"gt": {"distill": {"weight": 0}}, "one": {"distill.preset": "paper-literal"}})
    assert (found["gt"].distill.preset, found["gt"].distill.schedule) == ("paper", "decay")
    assert found["one"].distill.original_sum


def test_a_seed_within_a_mapping_is_refused_like_any_other(values):
    with pytest.raises(KDError, match="arm kd sets train.seed, but every arm is trained with all `seeds`"):
        arms(values, arms={"kd": {"train": {"seed": 3}}})


def test_a_mapping_that_is_one_setting_is_replaced_as_a_whole(values):
    values["distill"] = {"teachers": {"dots_heatmap": 0.5, "dots_simcc": 0.5}}
    found = arms(values, arms={"one": {"distill.teachers": {"dots_simcc": 1.0}}})
    assert found["one"].distill_weights() == {"dots_simcc": 1.0}


def test_a_grid_is_every_combination_named_after_its_values(values):
    found = arms(
        values,
        arms={"gt": {"distill.weight": 0}},
        grid={"distill.weight": [0.5, 1], "train.datasets": [["first"], ["first", "second"]]},
    )
    assert list(found) == [
        "gt",
        "weight=0.5,datasets=first",
        "weight=0.5,datasets=first+second",
        "weight=1,datasets=first",
        "weight=1,datasets=first+second",
    ]
    last = found["weight=1,datasets=first+second"]
    assert (last.distill.weight, last.train.datasets) == (1.0, ("first", "second"))


def test_settings_with_one_last_part_go_by_their_whole_names(values):
    found = arms(values, grid={"train.augment.scale": [0.1], "student.sigma": [2], "train.augment.flip": [0]})
    assert list(found) == ["scale=0.1,sigma=2,flip=0"]
    found = arms(values, grid={"distill.weight": [1], "train.ground_truth_weight": [1]})
    assert list(found) == ["weight=1,ground_truth_weight=1"]


def test_runs_draw_no_pictures_and_evaluate_no_other_student(values):
    values["evaluate"]["students"] = {"labels only": "runs/labels_only"}
    evaluate = arms(values, arms={"gt": {}})["gt"].evaluate
    assert evaluate.overlays == 0 and evaluate.students == {}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"arms": {}}, "a.yaml has no arm. List the trainings"),
        ({"arms": {"kd": {"distill.wieght": 1}}}, "a.yaml, arm kd: distill.wieght: no such setting"),
        (
            {"arms": {"kd": {"distill.weight": -1}}},
            r"a.yaml, arm kd: distill.weight is -1.*allowed: 0 to 100",
        ),
        ({"arms": {"kd": {"train.epochs.all": 1}}}, "a.yaml, arm kd: train.epochs is"),
        ({"grid": {"distill.weight": [1, "much"]}}, r"a.yaml, arm weight=much: distill.weight is 'much'"),
        (
            {"arms": {"kd": {"train.datasets": ["frist"]}}},
            "a.yaml, arm kd: .*train.datasets: there is no dataset 'frist'. Did you mean 'first'",
        ),
        (
            {"arms": {"kd": {"distill.teachers": {"cpm": 1.0}}}},
            "a.yaml, arm kd: .*distill.teachers: there is no teacher 'cpm'",
        ),
        (
            {"arms": {"kd": {"cells.teachers": ["dots_simcc"]}}},
            "arm kd sets cells.teachers, but only settings of",
        ),
        ({"arms": {"kd": {"evaluate.flip_test": False}}}, "arm kd sets evaluate.flip_test, but only"),
        ({"arms": {"gt": {}}, "base": {"extract.preset": "exact"}}, "base sets extract.preset, but only"),
        (
            {"arms": {"kd": {"train.seed": 3}}},
            "arm kd sets train.seed, but every arm is trained with all `seeds`",
        ),
        (
            {"arms": {"weight=1": {}}, "grid": {"distill.weight": [1]}},
            "two arms are called 'weight=1'. Give one of them another name",
        ),
        (
            {"grid": {"distill.teachers": [{"dots_simcc": 1}]}},
            "grid: distill.teachers has the value .*Give it an arm with a name of its own",
        ),
    ],
)
def test_an_arm_that_cannot_be_is_refused_with_its_name(values, sections, message):
    with pytest.raises(KDError, match=message):
        arms(values, **sections)
