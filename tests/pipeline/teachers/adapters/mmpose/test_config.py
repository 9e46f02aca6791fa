import pytest

from pipeline.errors import KDError

pytestmark = pytest.mark.mm

STOCK = "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192"


@pytest.mark.parametrize("suffix", ["", ".py"])
def test_a_stock_config_goes_by_its_name_with_or_without_suffix(suffix):
    from pipeline.teachers.adapters.mmpose.config import load_config

    assert load_config(STOCK + suffix).model.head.type == "RTMCCHead"


def test_a_network_that_only_infers_downloads_nothing_and_needs_one_process():
    from pipeline.teachers.adapters.mmpose.config import load_config, network_config

    config = load_config(STOCK)
    assert config.model.backbone.norm_cfg.type == "SyncBN" and "https" in str(config.model)
    network = network_config(config)
    assert network.backbone.norm_cfg.type == "BN" and "https" not in str(network)
    assert config.model.backbone.norm_cfg.type == "SyncBN"  # the config itself is left alone


def test_initialisation_that_downloads_nothing_is_kept(tmp_path):
    from pipeline.teachers.adapters.mmpose.config import load_config, network_config

    (tmp_path / "c.py").write_text("model = dict(head=dict(init_cfg=[dict(type='Normal', std=0.1)]))")
    assert network_config(load_config("c.py", tmp_path)).head.init_cfg == [{"type": "Normal", "std": 0.1}]


def test_other_packages_have_no_stock_configs():
    from pipeline.teachers.adapters.mmpose.config import load_config

    with pytest.raises(KDError, match=r"stock configs are those of mmpose:: and mmdet::"):
        load_config("mmocr::x")


def test_a_config_without_a_network_is_refused(tmp_path):
    from pipeline.teachers.adapters.mmpose.config import load_config

    (tmp_path / "runtime.py").write_text("log_level = 'INFO'")
    with pytest.raises(KDError, match=r"runtime\.py has no `model`"):
        load_config("runtime.py", tmp_path)


def test_a_missing_config_says_where_it_goes(tmp_path):
    from pipeline.teachers.adapters.mmpose.config import load_config

    with pytest.raises(KDError, match=r"there is no config .*gone\.py\. Put it there"):
        load_config("gone.py", tmp_path)


def test_the_hash_of_settings_does_not_depend_on_their_order_or_on_tuples():
    from pipeline.teachers.adapters.mmpose.config import sha256_of_parts

    assert sha256_of_parts({"a": 1, "b": (2, 3)}) == sha256_of_parts({"b": [2, 3], "a": 1})
    assert sha256_of_parts({"a": 1}) != sha256_of_parts({"a": 2})
