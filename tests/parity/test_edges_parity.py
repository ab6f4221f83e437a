"""Where PyTorch does what one would not guess: numbers that do not fit, nodes without derivative, bytes read as
another type. Each case does here what it does there."""

import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

# Names: u uint8 [0, 2, 255], b int8 [1, -1], x and y float32 with gradients, m a float32 matrix.
CASES = """
u > -1 | u < 300 | u == -1 | u != 255 | u >= -300 | -1 < u | u // -1 | u % 300 | u // 256 | b > 200 | b % -200 | u + 300
L.tensor(-255, dtype=L.uint8) | L.tensor([-256, 3], dtype=L.uint8) | L.tensor(256, dtype=L.uint8) | L.tensor(-0.5, dtype=L.uint8) | L.tensor(255.9, dtype=L.uint8)
L.tensor([float("nan")], dtype=L.int32) | L.tensor(-128.9, dtype=L.int8) | L.tensor(128.7, dtype=L.int16) | L.tensor(2**31, dtype=L.int32) | L.tensor([2**15], dtype=L.int8)
L.tensor(2**63) | L.tensor([1, 2**63]) | L.tensor([2**64]) | L.tensor(2**63, dtype=L.int8) | L.tensor([1, 2**64], dtype=L.float32) | L.tensor(2**64, dtype=L.bool)
L.tensor(1e39, dtype=L.bfloat16) | L.tensor([1e39]) | L.tensor(1e5, dtype=L.half) | L.tensor([1.5, 2**63]) | L.tensor([1, 2**63], dtype=L.complex64)
x + 2**63 | x + 2**64 | x * 2**65 | x - (-2**63 - 1) | 2**63 - x | x > 2**63 | x.clamp(max=2**63) | x.detach().fill_(2**63) | x.detach().add_(2**63) | m.t() / 2**63
L.tensor([1, 2]) + 2**63 | u * 2**63 | u + 2**64 | L.add(m.double(), 2**63 + 5000) | L.where(x > 0, x, 2**63)
L.tensor([-3.0, 300.0] * 20).byte() | L.tensor([-3.0, 300.0] * 20).double().to(L.int8) | L.tensor([300, -3] * 20).byte()
L.exp(3) | L.exp([1.0]) | L.erf("a") | L.sqrt(2.0) | F.silu(3) | F.gelu([1]) | L.sigmoid(None) | m @ 3 | 3 @ m | m @ [[1.0]]
L.tensor([True]) // 256 | u & -1 | u * -3 | u / -1 | L.remainder(u, -1) | L.fmod(u, -1)
u.clamp(-1, 1) | u.clamp(0, 300) | u.clamp(max=-1) | u.clamp(0.5, 1000) | b.clamp(-200, 50) | u.clamp_min(-1) | u.clip(3, 1)
L.tensor([1.0]).half().clamp(0, 1e6) | L.tensor([True, False]).clamp(-1, 2) | u.clone().clamp_(-1, 1)
(x > 0).requires_grad | (x > 0).requires_grad | x.long().requires_grad | x.long().requires_grad | L.sqrt(x.long()).requires_grad
L.floor_divide(x, y).grad_fn | L.floor_divide(x, y).sum().backward() | (x // 2).sum().backward() | L.div(x, y, rounding_mode="floor").sum().backward()
x.clone().floor_divide_(y).sum().backward() | x.clone().detach().floor_divide_(2).requires_grad | L.heaviside(x, y).grad_fn
L.unique(x).sum().backward() | L.unique(x, return_counts=True)[0].grad_fn | L.unique(m.requires_grad_(), dim=0).sum().backward()
L.unique_consecutive(x).sum().backward() | L.unique(x, return_inverse=True)[1].requires_grad | L.unique(x)
L.histogram(x, 3).hist.sum().backward() | L.histogramdd(m.requires_grad_(), [2, 2]).hist.sum().backward() | L.geqrf(m.requires_grad_())[0].sum().backward()
L.binomial(x.clamp(0).round(), y.sigmoid()).sum().backward() | x.bernoulli(0.3).sum().backward() | L.bernoulli(x.sigmoid()).sum().backward()
L.normal(x, y.abs()).sum().backward() | L.normal(x, 2.0).requires_grad | L.normal(0.0, y.abs()).grad_fn is None
L.amax(L.tensor([1.0, float("nan")], requires_grad=True)).backward() | L.mean(u, 7) | L.std(u, 7) | L.argmax(u > 0, 7) | L.norm(u, dim=7)
L.linalg.vector_norm(m[:0], -1) | L.linalg.vector_norm(m[:0], -1.5, 0) | L.linalg.vector_norm(m[:0], float("inf"), 0) | L.norm(m[:0], 0)
L.softmax(u[:0], 0) | L.log_softmax(u[:0].bool(), 0) | L.softmax(u[:0], 3) | L.ones(0, 3).roll(1, 7) | L.ones(0, 3).roll((1, 2), 7)
L.cat((x, L.tensor(1.0)), 7) | L.cat((L.tensor(1.0), x), 0) | F.linear(m, L.ones(2, 2, 2)) | F.linear(m, L.tensor(1.0))
L.lerp(m, m, m.double()) | L.lerp(m, m.double(), 0.5) | L.lerp(m, m, L.tensor(1)) | m.permute() | L.permute(L.tensor(1.0), ())
m.view(L.int32) | m.view(L.int16) | m.view(L.float64) | m.view(L.complex64) | m.view(L.bool) | m.view(dtype=L.bfloat16) | m.t().view(L.int32)
L.zeros(2, 0).view(L.uint8).shape | L.zeros(0, 8, dtype=L.uint8).view(L.float64).shape | L.cdist(m[:, :0].half(), m[:, :0]) | L.cdist(m[:0].half(), m) | L.renorm(m.t(), 2, 0, 1.5).stride()
L.argmax(m, np.int64(0)) | L.max(m, np.int64(0)).values | L.aminmax(m, dim=np.int64(1)) | L.std(m, np.int64(0)) | L.amax(m[:0], np.int64(0)) | L.argmin(m, L.tensor(1)) | m.argmax("x") | L.argmin(m, True) | L.argmax(m, dim=1.5)
m.t().view(L.int16) | L.tensor(1.0).view(L.int32) | L.tensor(1.0).view(L.int16) | L.zeros(3).view(L.float64) | L.zeros(2, 4)[:, 1:3].view(L.float64)
L.zeros(2, 5)[:, :2].view(L.float64) | L.zeros(2, 4)[:, :2].view(L.float64) | x.view(L.int32).requires_grad | x.view(L.float32).requires_grad
m.view(L.int32).zero_().sum() + m.sum() | m.view(L.int32)._version | L.from_dlpack(L.utils.dlpack.to_dlpack(m)) | L.utils.dlpack.DLDeviceType(1)
L.index_add(m.half(), 1, i([0, 1]), m.repeat(2, 2).half()[::2, :2]) | L.ones(2, 2).half().scatter_add(1, i([[0, 0], [1, 0]]), m.repeat(2, 2).half()[::2, 1:3])
F.linear(u[None], u[None], u[:2]) | F.linear(m, m, L.ones(3)) | F.linear(m, m, L.ones(1)) | F.linear(m, m, L.ones(2, 1)) | F.linear(m, m, L.ones(2).double()) | F.linear(m, m[0], x)
L.tensor(1.0).movedim(0, -1) | L.tensor(1.0).unflatten(0, (1,)) | L.unique(L.tensor(1.0), dim=0) | L.mv(L.tensor(1.0), x) | L.zeros(0, 3, dtype=L.complex64).mean(0)
L.arange(0.5, 3, 0.5, dtype=L.int32) | L.arange(0, 2, 0.5, dtype=L.int64) | L.arange(2, dtype=L.bool) | L.arange(0, 5, 0) | L.linspace(L.tensor(1 + 1j), 5, 3)
L.linspace(0, 1, 2, dtype=L.bool) | L.logspace(0, 1, 2, dtype=L.bool) | L.logspace(0, 1, 1, dtype=L.bool) | L.abs(i([3 + 4j]), out=i([0j], dtype=L.complex128)) | L.abs(i([3 + 4j]), out=i([0j])) | L.tril_indices(2, 2, dtype=L.float32) | u.mean(dtype=L.int32) | x.sum(dtype=L.int32) | x.cumsum(0, dtype=L.int64)
u.fill_(-1.0) | u.clone().fill_(-1) | b.clone().fill_(127.5) | b.clone().fill_(-128.5) | L.full_like(u, -0.5) | L.clamp(u > 0, u > 0, u > 0)
F.mse_loss(b, b) | F.huber_loss(b, b) | F.smooth_l1_loss(b, b) | F.kl_div(b, b) | F.kl_div(m * 1j, m) | F.binary_cross_entropy(u, u) | F.binary_cross_entropy_with_logits(b, b)
F.margin_ranking_loss(b, b, b, margin=0.5) | F.rms_norm(b, (2,)) | L.max(m * 1j, 0) | m[:0].index_put((i([0]),), L.ones(3)) | L.mode(L.ones(2), 3)
L.autograd.grad((x * 1).eq_(y).sum(), x) | L.autograd.grad((x * 1).zero_().sum(), x) | L.autograd.grad((x * 1).fill_(2).sum(), x) | L.autograd.grad((x * 1).copy_(y).sum(), (x, y))
(lambda b: [b.view(-1).exp_(), L.autograd.grad(b.sum(), x)][1])(x * 1) | (lambda v: L.autograd.grad(v.exp_().sum(), x))((x * 1).view(-1))
(lambda b: (lambda v: [v[1:].mul_(y[1:]), L.autograd.grad(v.sum() + b.sum(), (x, y))])(b.view(3)))(x * 1)
(lambda b: [b.repeat(1, 1).zero_(), b])(m.clone()) | L.autograd.grad(L.div(x, x - x, rounding_mode="floor").sum(), x)
m.clone().map_(m, lambda a, b: a + b) | m.map_(x, lambda a, b: a) | m.map_(L.ones(3), lambda a, b: a) | m.map_(3, lambda a, b: a) | m.map_(L.ones(2), lambda a, b: b)
m.dim_order(ambiguity_check=True) | m[:1].dim_order(ambiguity_check=True) | m.dim_order(ambiguity_check="a") | m.dim_order(ambiguity_check=[1])
L.ones(2, 1, 3, 4).dim_order(ambiguity_check=[L.contiguous_format, L.channels_last]) | m.expand(3, 2, 2).dim_order(ambiguity_check=True)
L.ones(2, 2, 3, 4).dim_order(ambiguity_check=[L.contiguous_format, L.channels_last]) | m.dim_order(ambiguity_check=[])
L.maximum(x, 3) | L.minimum(3, x) | L.fmax(x, 2.0) | L.fmin(x, 2.0) | L.atan2(2.0, x) | L.hypot(x, 2) | L.logaddexp(x, 2) | L.logaddexp2(x, 2) | L.ldexp(x, 2)
L.gcd(u, 2) | L.lcm(u, 2) | L.igamma(x, 2) | L.logical_and(x, 1) | L.logical_or(x, 1) | L.logical_xor(1, x) | L.addcmul(x, 2, x) | L.addcdiv(x, x, 2) | L.clamp(x, x, 2)
L.cat([x], out=3) | L.stack([x], out=3) | L.gradient(m, spacing=x) | L.var(m, unbiased=True, correction=1) | m.to(3.5, [1]) | F.conv1d(m[None], m[None], stride="a")
L.zeros(0, 0)[[0, 0]] | L.zeros(0, 0)[:, [0]] | L.zeros(0, 0)[[[]]] | L.zeros(3, 0)[[5]] | L.zeros(0, 0).index_put((i([0]),), i(0.0)) | L.zeros(3, 0).index_put((i([7]),), i(0.0))
L.zeros(2, 1, 3).index_select(2, i([5])) | L.zeros(2, 1, 3).index_select(1, i([5])) | L.zeros(2, 0, dtype=L.complex64).amin(1) | L.zeros(0, dtype=L.complex64).aminmax()
L.zeros(2, dtype=L.complex64).nansum(5) | L.zeros(2, dtype=L.complex64).topk(5) | L.autograd.grad((x.min() * L.nan), x) | L.fmax(i(-1, dtype=L.int8), u) | L.maximum(i(200, dtype=L.uint8), b)
L.tensor([L.nan, 1e10, -3e9, 70000.0, -1.5, L.inf] * 9).to(L.int32) | L.tensor([L.nan, 1e10, -3e9, 70000.0, -1.5] * 9).double().short() | L.tensor([3000000001.0]).double().to(L.int8)
L.tensor([L.nan, 300.0, -1.5]).bfloat16().int() | (i([3e10, -1.5]) + 0j).int() | F.smooth_l1_loss(i(1.0).double(), m) | F.mse_loss(m, i(1.0).double()) | F.huber_loss(i(3.0).double(), m)
L.autograd.grad(L.nextafter(x, y.flip(0) + 1).sum(), (x, y)) | L.autograd.grad(L.nextafter(x[:1], x).sum(), x) | i([[1j]]).kthvalue(1)
L.tensordot(L.ones(2, 1, 3).short(), L.ones(2, 1, 3).short()) | L.tensordot(u, u, 1)
F.huber_loss(m, m.double() * 2) | F.huber_loss(i([1, 5]), m) | F.l1_loss(i(1.0).bfloat16(), m) | L.autograd.grad(F.huber_loss(x, i(9.0)), x) | F.huber_loss(m, m * 1j)
L.use_deterministic_algorithms("a") | L.use_deterministic_algorithms(True, warn_only=1) | L.set_deterministic_debug_mode("x") | L.set_deterministic_debug_mode(5)
L.set_deterministic_debug_mode(None) | [(L.set_deterministic_debug_mode(d), L.get_deterministic_debug_mode(), L.is_deterministic_algorithms_warn_only_enabled()) for d in (1, "error", "warn", 2, "default")]
m.scatter_(0, i([[0, 1]]), m) | m.scatter_(0, i([[0, 1]]), m[1:]) | m.scatter_add_(0, i([[0, 0]]), m[1:]) | m.scatter_reduce_(0, i([[0, 0]]), m[1:], "amax")
m.index_copy_(0, i([0]), m[1:]) | m.index_add_(0, i([0]), m[1:]) | m.index_put_((i([0]),), m[1]) | m.put_(i([0]), m[1, :1]) | m.scatter_(0, i([[0, 1]]), m[1:].clone())
L.cat([m[:1], m[1:]], out=m) | L.stack([m[0]], out=m[:1]) | L.index_select(m, 0, i([1, 0]), out=m) | L.gather(m, 0, i([[1, 0]]), out=m[:1]) | L.take(m, i([1]), out=m[0, :1])
L.masked_select(m, m > 0, out=m) | L.scatter(m, 0, i([[0, 1]]), m[1:], out=m) | L.scatter(m, 0, i([[1, 1]]), 5.0, out=m) | L.index_add(m, 0, i([0]), m[1:], out=m)
F.l1_loss(i(1.0).double(), m) | F.nll_loss(m[0], i([1, 2, 3]).int()) | F.nll_loss(m[0], i([1, 2, 3])) | F.nll_loss(m, i(1)) | F.cross_entropy(m[None], i(1.0)) | F.cross_entropy(i(1.0), m) | F.cross_entropy(m * 1j, i([1])) | L.cat([m, m[0]], out=u > 0)
F.linear(x, y, i(1)) | F.linear(x, y, i(1.0)) | F.linear(m, m, i(1)) | F.binary_cross_entropy(y[:2], y[1:]) | F.binary_cross_entropy(y[:2], y[:2] * L.nan)
L.trapezoid(u[:0]) | L.index_add(m[:0], 1, i([]).long(), m[0, :0]) | F.batch_norm(m[0, :1], None, None, training=True) | F.batch_norm(m[0], None, None, training=True) | F.batch_norm(m[:1, :0], None, None, training=True)
m.index_add(-1, i([0, 1]), i(1.0)) | m.index_add(-1, i([0]), m) | m.index_add(0, i([0]), m[0]) | i(1.0).index_add(0, i([0, 1]), i([1.0])) | m.index_add(0, i([0, 1]), i(1.0)) | m.index_add(1, i([0]), m[0])
(m[:0] * 1j).median() | (m[:0] > 0).median(0) | (m[:0] * 1j).nanmedian(0) | L.trapezoid(m > 0, dim=2) | L.trapezoid(u[:0] > 0) | L.trapezoid(m, dx=1j, dim=3) | F.margin_ranking_loss(x, y, L.ones(3).byte())
F.softsign(u) | F.softsign(i([-128, 127], dtype=L.int8)) | F.softsign(u > 0) | L.abs(m * 1j, out=m.double()) | L.abs(m * 1j, out=m * 1j) | L.abs(m, out=m.double()) | L.abs(m * 1j, out=m.long())
L.lerp(m, m, 0.5, out=m.double()) | L.lerp(m, m, m, out=m.double()) | L.lerp(m, m, 0.5, out=m.long()) | L.lerp(m.half(), m.half(), 0.3, out=m.clone())
(lambda r: (r, r.stride()))(y.detach()[::2].ravel()) | (lambda r: (r, r.stride()))(m[:, :1].expand(2, 3).ravel()) | L.ravel(3) | L.autograd.grad((m * x[:2]).t().ravel()[1], x)
[L.as_strided_scatter(v, -L.ones(2, 2), (2, 2), (3, 1), k) for b in [L.arange(24.0).reshape(4, 6)] for v in [b[1:], b[:, ::2], b.T, b[1:3, 1:4]] for k in [None, 0, 7]]
F.bilinear(m, m, L.ones(0, 2, 2)) | F.bilinear(m[:0], m[:0], L.ones(0, 2, 2)) | L.linalg.tensorsolve(i(2.0), i(3.0)) | L.linalg.tensorinv(L.ones(1, 1)[0, :1], ind=1)
L.as_strided_scatter(m[1:], L.ones(1), (1,), (1,), 9) | L.as_strided_scatter(m[:0], L.ones(0), (0,), (1,))
L.amax(m, 0, out=i([1.0]).double()) | L.max(m, 0, out=(i([1.0]), i([1.0]))) | L.msort(m, out=m.double()) | L.isin(m, m, out=m) | L.logcumsumexp(m, 0, out=m.double()) | L.histc(m, 2, out=m.double()) | L.histogram(m, 2, out=(i([1]), m))
L.max(m, 0, out=[m]) | L.aminmax(m, out=(m,)) | L.frexp(m, out=3) | L.frexp(m, out=(m,)) | L.split_copy(m, 1, out=3) | L.addcdiv(m * 1j, m, m * 0j)
(lambda v: [v.__setitem__(v > 0, v[:1]), v, L.autograd.grad(v.sum(), x)])(x * 1) | (lambda v: [v.__setitem__(v > 0, v), v])(x[:1] * 1)
L.linalg.inv(m, out=m.double()) | L.linalg.qr(m, out=(m.double(), m.double())) | L.linalg.det(m, out=i(1.0).double()) | L.linalg.matrix_power(m, 2, out=m.double()) | L.linalg.slogdet(m, out=(i(1.0).double(), i(1.0)))
[v for v in [m.clone()] for f in [L.pixel_shuffle, L.pixel_unshuffle] if f(v[None], 1).zero_() is not v] | L.linalg.matrix_power(m, 0, out=m.double())
F.nll_loss(m[:0], L.tensor(0)) | F.cross_entropy(m[:0], L.tensor(0)) | L.bucketize(m, i([1.0, 2.0] + [L.nan] * 4), right=True) | L.searchsorted(i([0.5] + [L.nan] * 6), m) | L.bucketize(m, i([1.0, L.nan]))
[F.scaled_dot_product_attention(*(L.ones(s) for s in t)) for t in [((0, 3), (2, 1, 3), (2, 1, 5)), ((2, 3), (2, 0, 3), (2, 0, 3)), ((2, 2), (4, 3), (0, 3)), ((2, 0), (3, 0), (3, 4))]]
L.autograd.grad(F.scaled_dot_product_attention(m * x[0], m[:0] * y[0], m[:0] * x[1]).sum(), (x, y)) | F.scaled_dot_product_attention(m[:0] > 0, m > 0, m > 0) | F.scaled_dot_product_attention(m, m, m[:, :0], u > 0, 2.0)
u.masked_fill(u > 9, i(300.0)) | b.masked_fill(b > 9, i(1j)) | m.masked_fill(m > 9, i(1j)) | m.half().masked_fill_(m > 9, i(1e6)) | u.__setitem__(u > 9, i([-1.0])) | u.__setitem__(u > 2, i([-1]).long()) | u
m.expand(2, 2, 2).__setitem__(..., 3) | m.expand(2, 2, 2).__setitem__((0, 0), 3) | m.expand(2, 2, 2).fill_(3) | m.expand(2, 2, 2).__setitem__(0, m)
"""
NAMES = {
    "u": "L.tensor([0, 2, 255], dtype=L.uint8)",
    "b": "L.tensor([1, -1], dtype=L.int8)",
    "x": "L.tensor([1.5, -0.5, 1.5], requires_grad=True)",
    "y": "L.tensor([0.5, 0.25, -2.0], requires_grad=True)",
    "m": "L.tensor([[1.0, 2.0], [3.0, 4.0]])",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "case", [case.strip() for line in CASES.strip().split("\n") for case in line.split(" | ")]
)
def test_edges(case):
    torch.manual_seed(0)
    arguments = ", ".join(NAMES)
    assert_same(f"(lambda {arguments}: {case})({', '.join(NAMES.values())})", atol=1e-6)
