"""Rows for a GPU alone (benchmarks/gpu.py): the ways that kernels take with large operands, of which the simulator, whose
tiles are small, knows the text but not the numbers. Of vectors whose signs are free there are the values."""

from samples.attention import NAME
from samples.linalg import definite, regular, symmetric
from samples.sample import Sample

_NUMBERS, _PAIRS, _SQUARE = ("float32",), ("complex64",), (((200, 200),),)
_MILLIONS, _LONG, _SHORT, _TALL = ((3_000_003,),), ((60, 9001),), ((70_001, 33),), ((9001, 60),)


def _rows(name: str, *shapes: tuple, args: tuple = (), order: int = 1, tol: float = 100) -> list[Sample]:
    """A row for each shapes of the operands."""
    return [Sample(name, (of,), args=args, dtypes=_NUMBERS, order=order, tol=tol) for of in shapes]


LARGE = [
    *_rows("exp", _MILLIONS),
    *_rows("add", ((1501, 1), (1, 1703)), (*_MILLIONS, (1,))),
    *_rows("flip", ((1501, 1703),), args=((0, 1),)),
    *_rows("sum", _MILLIONS, _LONG, _TALL),
    *[row for name in ("sum", "amax", "logsumexp", "argmax", "std") for row in _rows(name, _LONG, _SHORT, args=(1,), order=int(name != "argmax"))],
    *[row for name in ("sum", "amax", "std") for row in _rows(name, _LONG, _TALL, args=(0,))],
    *[row for name in ("softmax", "log_softmax") for row in _rows(f"nn.functional.{name}", _LONG, _SHORT, args=(1,))],
    *_rows("nn.functional.layer_norm", ((300, 4096),), args=((4096,),)),
    *_rows("nn.functional.layer_norm", _LONG, args=((9001,),)),
    *_rows("nn.functional.rms_norm", ((3000, 770),), args=((770,),)),
    *_rows("nn.functional.group_norm", ((8, 40, 30, 30),), args=(4,)),
    Sample("nn.functional.batch_norm", (((16, 40, 30, 30),),), args=(None, None), kwargs={"training": True}, dtypes=_NUMBERS, order=1, tol=100),
    *_rows("matmul", ((2048, 1500), (1500, 2100)), ((60, 9001), (9001, 70)), ((5, 301, 70), (5, 70, 310))),
    *_rows("nn.functional.conv2d", ((8, 16, 40, 40), (140, 16, 3, 3))),
    *_rows("nn.functional.conv_transpose2d", ((8, 16, 40, 40), (16, 35, 3, 3))),
    *_rows("nn.functional.max_pool2d", ((4, 8, 101, 100),), args=(3, 2)),
    *_rows("sort", _MILLIONS, _LONG, order=0),
    *_rows("topk", _LONG, args=(20,)),
    *_rows("kthvalue", _LONG, args=(70,)),
    *_rows("median", _MILLIONS),
    *_rows("unique", _MILLIONS, order=0),
    *_rows("nonzero", _MILLIONS, order=0),
    *_rows("cumsum", _MILLIONS, _TALL, args=(0,)),
    *_rows("cumsum", _LONG, args=(1,)),
    *_rows("cummax", _LONG, args=(1,)),
    *_rows("cdist", ((1001, 30), (900, 30))),
    *[
        Sample(f"fft.{name}", (((3, 1000),),), kwargs={"n": n, "norm": norm}, dtypes=dtypes, order=0, tol=10)
        for name, norm, dtypes in (("fft", "backward", _PAIRS), ("ifft", "forward", _PAIRS), ("rfft", "backward", _NUMBERS), ("irfft", "forward", _PAIRS))
        for n in (2048, 1009, 60000, 10007, 1 << 21)
    ],
    Sample("fft.fft", (((3000, 20),),), kwargs={"dim": 0}, dtypes=_PAIRS, order=0, tol=10),
    Sample("linalg.inv_ex", _SQUARE, kwargs={"check_errors": True}, dtypes=_NUMBERS, prepare=definite, order=0),
    Sample("linalg.solve", (((2, 200, 200), (2, 200, 600)),), kwargs={"left": True}, dtypes=_NUMBERS, prepare=definite, order=0),
    Sample("linalg.solve_triangular", (((200, 200), (200, 3)),), kwargs={"upper": True}, dtypes=_NUMBERS, low=-0.1, high=0.1, prepare=regular, order=0),
    Sample("linalg.lu_factor", (((300, 200),),), kwargs={"pivot": True}, dtypes=_NUMBERS, low=-0.1, high=0.1, prepare=regular, order=0),
    Sample("linalg.lu_factor_ex", (((200, 300),),), kwargs={"pivot": True}, dtypes=_NUMBERS, low=-0.1, high=0.1, prepare=regular, order=0),
    Sample("linalg.ldl_factor_ex", _SQUARE, dtypes=_NUMBERS, prepare=symmetric, order=0, tol=100),
    Sample("linalg.cholesky", _SQUARE, kwargs={"upper": False}, dtypes=_NUMBERS, prepare=definite, order=0),
    Sample(NAME, (((2, 3, 150, 40), (2, 3, 170, 40), (2, 3, 170, 150)),), dtypes=_NUMBERS, order=1, tol=100),
    Sample(NAME, (((1, 4, 170, 64), (1, 2, 170, 64), (1, 2, 170, 20)),), kwargs={"is_causal": True, "enable_gqa": True}, dtypes=_NUMBERS, order=1, tol=100),
    *[
        Sample("linalg.qr", ((shape,),), kwargs={"mode": mode}, dtypes=dtypes, prepare=regular, order=0, tol=100)
        for shape in ((300, 200), (200, 300), (5, 70, 40))
        for mode, dtypes in (("reduced", _NUMBERS), ("complete", _PAIRS))
    ],
    *[
        Sample(f"linalg.{name}", ((shape,),), dtypes=dtypes, prepare=definite, order=0, tol=100)
        for name in ("svdvals", "eigvalsh")
        for shape in ((200, 200), (20, 33, 33))
        for dtypes in (_NUMBERS, _PAIRS)
    ],
    Sample("linalg.svdvals", (((300, 100),),), dtypes=_NUMBERS, order=0, tol=100),
    Sample("linalg.pinv", (((150, 100),),), kwargs={"rtol": 1e-5}, dtypes=_NUMBERS, order=0, tol=100),
    Sample("linalg.lstsq", (((300, 100), (300, 7)),), kwargs={"driver": "gels"}, dtypes=_NUMBERS, order=0, tol=100),
]  # fmt: skip
