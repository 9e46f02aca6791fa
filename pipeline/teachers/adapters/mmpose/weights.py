"""A checkpoint's weights into the network of its config."""

from collections.abc import Mapping

from torch import Tensor, nn

from pipeline.errors import KDError

_SHOWN = 3
# Buffers of preprocessing, and counters and losses of training: nothing that an answer depends on.
_UNUSED = ("data_preprocessor.", "head.loss_module.", "bbox_head.loss_", "num_batches_tracked")


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], what: str) -> None:
    """Load `weights` in place, freeze them, and put the network in eval mode for good.

    Raises:
        KDError: a weight is missing, left over or of another shape; `what` names checkpoint and config.
    """
    try:
        found = network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if "size mismatch" in line]
        raise _misfit(what, lines or [str(error)]) from None
    missing = [f"{key} is missing" for key in found.missing_keys if not _unused(key)]
    left_over = [f"{key} has no place" for key in found.unexpected_keys if not _unused(key)]
    if missing or left_over:
        raise _misfit(what, missing[:_SHOWN] + left_over[:_SHOWN], len(missing) + len(left_over))
    network.requires_grad_(False)
    network.eval()


def _unused(key: str) -> bool:
    return any(part in key for part in _UNUSED)


def _misfit(what: str, lines: list[str], total: int | None = None) -> KDError:
    shown = lines[: 2 * _SHOWN]
    rest = (total or len(lines)) - len(shown)
    more = f"; and {rest} more" if rest > 0 else ""
    return KDError(
        f"{what} do not fit each other: {'; '.join(shown)}{more}. Name the config the checkpoint was "
        "trained with."
    )
