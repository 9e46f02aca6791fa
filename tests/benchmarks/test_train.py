"""The training benchmark's parts, on sums done by hand and on the pack's teachers."""

import json

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from benchmarks.cases.flops import onnx_flops
from benchmarks.cases.train_case import make_workspace
from benchmarks.train import main, online_arm, stored_arm, with_params
from student.targets.joint_targets import teacher_targets


def test_an_onnx_networks_operations_by_hand(tmp_path):
    """8 x 8 x 3, convolved to 4 x 4 x 4, then depthwise, doubled to 8 x 8 x 5, times a matrix of 8 x 6."""
    rng = np.random.default_rng(0)
    weights = {
        "first": rng.normal(size=(4, 3, 3, 3)),
        "depthwise": rng.normal(size=(4, 1, 3, 3)),
        "up": rng.normal(size=(4, 5, 2, 2)),
        "matrix": rng.normal(size=(8, 6)),
    }
    padded = {"pads": [1, 1, 1, 1]}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "first"], ["a"], strides=[2, 2], **padded),
            helper.make_node("Conv", ["a", "depthwise"], ["b"], group=4, **padded),
            helper.make_node("ConvTranspose", ["b", "up"], ["c"], strides=[2, 2]),
            helper.make_node("MatMul", ["c", "matrix"], ["out"]),
        ],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 5, 8, 6])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, str(tmp_path / "small.onnx"))
    first, depthwise = 4 * 4 * 4 * 27, 4 * 4 * 4 * 9
    up, matrix = 4 * 4 * 4 * 5 * 4, 5 * 8 * 6 * 8
    assert onnx_flops(tmp_path / "small.onnx") == 2 * (first + depthwise + up + matrix)


@pytest.fixture(scope="module")
def workspace(realdata, tmp_path_factory):
    changes = {
        "student": {"backbone": "mobilenet_v3_small", "input_size": (64, 96), "width": 16},
        "train": {"batch_size": 4},
        "runtime": {"workers": 0},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KD_REALDATA", str(realdata))
        return with_params(make_workspace(tmp_path_factory.mktemp("pack"), 8), changes)


@pytest.mark.slow
@pytest.mark.realdata
def test_online_teachers_give_the_targets_that_their_stores_give(workspace):
    stored, online = stored_arm(workspace), online_arm(workspace)
    cached = next(stored.batches)
    asked = online._answered(next(online.batches))
    assert torch.equal(cached.image_BHW3, asked.image_BHW3)
    student = stored.run.trainer.student.config
    both = zip(
        stored.run.trainer.loss.targets.teacher_specs,
        online.run.trainer.loss.targets.teacher_specs,
        strict=True,
    )
    for spec, unquantised in both:
        targets = [
            teacher_targets(batch.teachers[teacher.name], batch.flipped_B, teacher, student)
            for batch, teacher in ((cached, spec), (asked, unquantised))
        ]
        seen = targets[0].taught_AR & targets[1].taught_AR
        apart = (targets[0].positions[0] - targets[1].positions[0]).abs().sum(-1)[seen] / 2
        assert seen.sum() > 10 and apart.median() < 0.03
        torch.testing.assert_close(targets[0].confidence_AR, targets[1].confidence_AR)


@pytest.mark.slow
@pytest.mark.realdata
def test_the_command_tells_every_figure(workspace):
    small = f"--workspace {workspace.root} --backbone mobilenet_v3_small --size 64 96 --batch 4 --workers 1"
    result = CliRunner().invoke(main, f"{small} --rounds 1 --seconds 0.2 --device cpu --json".split())
    assert result.exit_code == 0, result.output
    results = json.loads(result.output)
    assert set(results["step_ms"]) == set(results["waited"]) == {"labels", "cached", "online"}
    assert results["online_to_cached_by_flops"] > 1 < results["online_to_cached"]
    assert results["loss_cpu_ms"]["cached"] > results["loss_cpu_ms"]["labels"] > 0
