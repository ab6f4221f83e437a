"""Losses."""

import numpy as np

from samples.sample import FLOATS, Sample

_TWO = ("float32", "float64")
_SIGNS = np.array([1, -1, 1])
_CLASSES = np.array([1, 3, 0])
_LABELS = np.array([[1, 2, 2], [3, 1, 0]])


def _log_softmax(x: np.ndarray) -> list[np.ndarray]:
    """Operands of ctc_loss, whose gradient is that for what they are the log softmax of."""
    return [x - np.log(np.exp(x).sum(-1, keepdims=True))]


LOSSES = [
    Sample("nn.functional.mse_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.l1_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.smooth_l1_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.huber_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample(
        "nn.functional.binary_cross_entropy_with_logits", (((3, 4), (3, 4)),), dtypes=("float32", "float64")
    ),
    Sample(
        "nn.functional.mse_loss",
        (((3, 4), (3, 4)),),
        kwargs={"reduction": "sum"},
        dtypes=("float32", "float64"),
    ),
    Sample(
        "nn.functional.mse_loss",
        (((3, 4), (3, 4)),),
        kwargs={"reduction": "none"},
        dtypes=("float32", "float64"),
    ),
    Sample("nn.functional.kl_div", (((3, 4), (3, 4)),), kwargs={"reduction": "sum"}, low=0.1, dtypes=FLOATS),
    Sample("kl_div", (((3, 4), (3, 4)),), kwargs={"log_target": True}, dtypes=_TWO),
    Sample(
        "nn.functional.soft_margin_loss",
        (((3, 4),),),
        args=(np.eye(3, 4, dtype=np.float32) * 2 - 1,),
        dtypes=_TWO,
    ),
    Sample("nn.functional.hinge_embedding_loss", (((4, 3),),), args=(_SIGNS, 0.7), dtypes=FLOATS),
    Sample("margin_ranking_loss", (((3,), (3,)), ((2, 3), (1, 3))), args=(_SIGNS, 0.3), dtypes=FLOATS),
    Sample(
        "nn.functional.cosine_embedding_loss", (((3, 4), (3, 4)),), args=(_SIGNS, 0.2), dtypes=_TWO, tol=4
    ),
    Sample("nn.functional.triplet_margin_loss", (((3, 4), (3, 4), (3, 4)),), dtypes=_TWO, tol=4),
    Sample(
        "nn.functional.poisson_nll_loss", (((3, 4), (3, 4)),), kwargs={"full": True}, low=1.2, dtypes=_TWO
    ),
    Sample(
        "nn.functional.gaussian_nll_loss",
        (((3, 4), (3, 4), (3, 4)),),
        kwargs={"full": True},
        low=0.2,
        dtypes=_TWO,
    ),
    Sample("nn.functional.multilabel_soft_margin_loss", (((3, 4), (3, 4)),), dtypes=_TWO),
    Sample("nn.functional.multi_margin_loss", (((3, 4),),), args=(_CLASSES, 2), dtypes=FLOATS, tol=2),
    Sample(
        "nn.functional.multilabel_margin_loss",
        (((2, 3),),),
        args=(np.array([[1, -1, 0], [2, 0, -1]]),),
        dtypes=_TWO,
    ),
    Sample(
        "ctc_loss",
        (((6, 2, 4),),),
        args=(_LABELS, (6, 4), (3, 2)),
        dtypes=(*FLOATS, "int64"),
        order=0,
        prepare=_log_softmax,
    ),
]
