"""OpenMMLab's configuration files.

A config is a Python file, and reading it runs it: unlike a checkpoint, it is code of the user's.
"""

import difflib
import hashlib
import importlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from pipeline.errors import KDError


def load_config(spec: str, root: Path = Path()) -> Config:
    """The config `mmpose::body_2d_keypoint/...` or `mmdet::...` of the installed package, or the file at a
    path from `root`.

    Raises:
        KDError: there is no such file, or it is no config.
    """
    path = _stock_path(*spec.split("::", 1)) if "::" in spec else root / spec
    if not path.is_file():
        raise KDError(
            f"there is no config {path}. Put it there, or name a stock one: mmpose::body_2d_keypoint/..."
        )
    try:
        config = Config.fromfile(path)
    except Exception as error:  # a Python file can raise anything
        raise KDError(
            f"{path} cannot be read as an OpenMMLab config: {type(error).__name__}: {error}."
        ) from None
    if "model" not in config:
        raise KDError(
            f"{path} has no `model`, but the config of a whole network was wanted. Name another file."
        )
    return config


def network_config(config: Config) -> ConfigDict:
    """`config.model` for a network that only infers, on one device.

    Without the weights it would begin training from, which would be downloaded; with BatchNorm for SyncBN,
    which needs several processes and, in evaluation, computes the same.
    """
    return ConfigDict(_inferring(config.model.to_dict()))


def scope(name: str) -> AbstractContextManager:
    """While it lasts, a config's unqualified type names are those of the package `name`."""
    return DefaultScope.overwrite_default_scope(name)


def built_from(
    source: str, package: str, build: Callable[[ConfigDict], nn.Module], settings: ConfigDict
) -> nn.Module:
    """The network that `build` of the package makes of a config's settings, untrained; `source` is what an
    error calls the config.

    Raises:
        KDError: it does not build.
    """
    try:
        with scope(package):
            return build(settings)
    except KDError:
        raise
    except Exception as error:  # a wrong setting fails in whichever constructor takes it
        raise KDError(
            f"{source} does not build with the installed {package}: {error}. Correct its `model`."
        ) from None


def sha256_of_parts(*parts: Any) -> str:
    """Of configuration values, however they were spread over files."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def type_name(config: Any) -> str:
    """The bare class name in `dict(type=...)`, which new-style configs give as the class itself."""
    kind = config.get("type", "")
    return (kind if isinstance(kind, str) else kind.__name__).split(".")[-1]


def _stock_path(package: str, name: str) -> Path:
    if package not in ("mmpose", "mmdet"):
        raise KDError(
            f"{package}::{name}: stock configs are those of mmpose:: and mmdet::. Name one, or a path."
        )
    configs = Path(importlib.import_module(package).__file__).parent / ".mim" / "configs"
    path = configs / (name if name.endswith(".py") else f"{name}.py")
    if not path.is_file():
        known = [str(file.relative_to(configs)) for file in configs.rglob("*.py")]
        near = difflib.get_close_matches(str(path.relative_to(configs)), known, n=1)
        hint = f" Did you mean {package}::{near[0]}?" if near else ""
        raise KDError(
            f"the installed {package} has no config {name!r}.{hint} Its configs lie in {configs.parent.name}/"
            f"{configs.name} of the package."
        )
    return path


def _inferring(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_inferring(item) for item in value)
    if not isinstance(value, dict):
        return value
    kept = {key: _inferring(item) for key, item in value.items() if not _is_download(key, item)}
    if kept.get("type") == "SyncBN":
        kept["type"] = "BN"
    return kept


def _is_download(key: str, value: Any) -> bool:
    return key == "pretrained" or (
        key == "init_cfg" and isinstance(value, dict) and value.get("type") == "Pretrained"
    )
