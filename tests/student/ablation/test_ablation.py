import pytest

from pipeline.errors import KDError


def test_all_arms_run_with_the_first_seed_before_any_runs_with_the_next(open_ablation):
    ablation = open_ablation(seeds=[5, 2])
    assert [(run.arm, run.seed) for run in ablation.runs()] == [
        ("gt", 5),
        ("kd", 5),
        ("gt_first", 5),
        ("gt", 2),
        ("kd", 2),
        ("gt_first", 2),
    ]
    assert {run.workspace.params.train.seed for run in ablation.runs() if run.seed == 5} == {5}


def test_a_run_reads_the_workspace_and_writes_to_its_own_folder(open_ablation, workspace):
    run = next(run for run in open_ablation().runs() if (run.arm, run.seed) == ("kd", 1))
    folder = workspace.root / "ablations/toy/kd/seed1"
    assert run.folder == folder
    assert (run.workspace.run, run.workspace.evaluation) == (folder / "runs/student", folder / "evaluation")
    assert run.workspace.store("t", "d") == workspace.store("t", "d")
    assert run.workspace.crops("d") == workspace.crops("d")


def test_only_some_arms_are_run_where_they_are_named(open_ablation):
    assert [str(run) for run in open_ablation().runs(["kd"])] == ["kd seed 0", "kd seed 1"]
    with pytest.raises(KDError, match="there is no arm 'kdd'. Did you mean 'kd'"):
        open_ablation().runs(["kdd"])


def test_columns_are_the_datasets_with_their_conventions_then_their_mean_then_the_groups(open_ablation):
    assert [column.title for column in open_ablation().columns] == [
        "first (coco17)",
        "second (mpii16)",
        "mean",
        "trunk",
    ]
    assert [column.title for column in open_ablation(datasets=["second"]).columns][:2] == [
        "second (mpii16)",
        "mean",
    ]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"baseline": "gt_joint"}, "baseline: there is no arm 'gt_joint'. .*Known: gt, gt_first, kd"),
        ({"metric": "PCK"}, "metric: there is no metric 'PCK'. Did you mean 'PCK20'"),
        ({"datasets": ["frist"]}, "datasets: there is no dataset in evaluate.datasets 'frist'"),
        (
            {"groups": {"feet": {"datasets": ["third"], "joints": ["left_ankle"]}}},
            "groups.feet: there is no dataset in evaluate.datasets 'third'",
        ),
        (
            {"groups": {"trunk": {"datasets": ["first"], "joints": ["pelvis"]}}},
            "groups.trunk: there is no joint of coco17 'pelvis'",
        ),
        (
            {"groups": {"first": {"datasets": ["first"], "joints": ["nose"]}}},
            "two columns of the table would be called 'first'",
        ),
    ],
)
def test_names_that_nothing_goes_by_are_refused_before_any_run(open_ablation, sections, message):
    with pytest.raises(KDError, match=message) as caught:
        open_ablation(**sections)
    assert "toy.yaml" in str(caught.value)


def test_a_mistake_in_params_yaml_is_not_reported_as_an_arms(open_ablation, workspace):
    path = workspace.root / "params.yaml"
    path.write_text(path.read_text().replace("batch_size: 4", "batch_size: 0"))
    with pytest.raises(KDError, match=r"params.yaml: train.batch_size is 0") as caught:
        open_ablation()
    assert "arm" not in str(caught.value)
