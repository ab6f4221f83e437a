"""The lines of memory.py: what is called, a name and an expression of the operands there, two spaces or more apart.

FORWARD is called only. DIFFERENTIABLE has between the two the operands that gradients are for, and is called both
without and with a backward pass.

No lines have: views whose gradient is a view (squeeze, permute, view_as, unflatten, T, broadcast_tensors ...); another name
or form of a line here (mm of matmul, gt of x > y, broadcast_to and expand_as of expand, __getitem__ of x[rows],
multi_head_attention_forward of MultiheadAttention); and what writes to no memory (item, empty_like, new_empty).

Matrices whose values are found by LAPACK have 600 rows, not 300: of less than half a megabyte the system says in either
library what it likes, up to a quarter of a megabyte less than there is.
"""

from __future__ import annotations

REDUCTIONS = (
    "sum mean prod std var amax amin argmax argmin any all norm median mode count_nonzero nansum aminmax max min unique "
    "nonzero"
)
UNARY = "isnan isinf isfinite logical_not zeros_like ones_like rand_like randn_like"
BINARY = "eq ne lt le ge logical_or logical_xor"
BITWISE = "bitwise_or bitwise_xor"
ALONG = (
    "sum mean prod std var amax argmax any count_nonzero max median nanmedian mode logsumexp norm cumsum cumprod cummax "
    "logcumsumexp softmax log_softmax sort argsort"
)
IN_PLACE = "exp relu sigmoid normal uniform cauchy log_normal zero"
OPTIMIZERS = {
    "SGD": "momentum=0.9, lr=0.1",
    "Adam": "",
    "AdamW": "",
    "RMSprop": "",
    "Adagrad": "",
    "NAdam": "",
}
ELEMENTWISE = (
    "exp sin sqrt abs tanh sigmoid relu erf log1p clone t sum mean std var norm prod expm1 log log2 log10 rsqrt "
    "square reciprocal neg sign cos tan asin acos atan sinh cosh ceil floor round trunc triu"
)
ACTIVATIONS = (
    "gelu silu leaky_relu softplus hardtanh elu dropout normalize relu6 selu hardsigmoid hardswish logsigmoid"
)
ALONG_DIFFERENTIABLE = "sum std amax logsumexp norm cumsum cumprod logcumsumexp softmax log_softmax"


def _read(table: str) -> dict[str, list[str]]:
    rows = [
        [part.strip() for part in line.split("  ") if part.strip()] for line in table.strip().splitlines()
    ]
    return {name: rest for name, *rest in rows}


FORWARD = {
    **{name: [f"t.{name}(x)"] for name in REDUCTIONS.split()},
    **{name: [f"t.{name}(x)"] for name in UNARY.split()},
    **{name: [f"t.{name}(x, y)"] for name in BINARY.split()},
    **{name: [f"t.{name}(places, places)"] for name in BITWISE.split()},
    **{f"{name}, dim {dim}": [f"t.{name}(x, dim={dim})"] for dim in (0, 1) for name in ALONG.split()},
    **{f"{name}_": [f"x.clone().{name}_()"] for name in IN_PLACE.split()},
    **{f"optim.{name}": [f"stepped({name!r}, {options})"] for name, options in OPTIMIZERS.items()},
    **_read("""
sort, flat                flat.sort()
sort, flat, int64         places.view(-1).sort()
sort, middle dim          cube.sort(1)
argsort, flat             flat.argsort()
topk, flat                flat.topk(100)
topk, dim 0               x.topk(10, 0)
kthvalue, flat            flat.kthvalue(1000)
kthvalue, dim 0           x.kthvalue(100, 0)
unique, int64             places.unique()
unique, inverse           flat.unique(return_inverse=True)
unique, rows              x.unique(dim=0)
unique_consecutive        flat.unique_consecutive()
bincount                  places.view(-1).bincount()
histc                     flat.histc()
searchsorted              t.searchsorted(boundaries, flat)
bucketize                 t.bucketize(flat, boundaries)
isin                      t.isin(flat, boundaries)
index_select, rows        x.index_select(0, rows)
index_select, columns     x.index_select(1, rows)
index_put, accumulate     x.index_put((rows,), y, accumulate=True)
where, number             t.where(mask, x, 0.0)
cat, dim 1                t.cat((x, y), 1)
roll, two dims            x.roll((3, 5), (0, 1))
transpose, copied         x.t().contiguous()
matmul, transposed        x.t() @ y.t()
randperm                  t.randperm(4_000_000)
randn                     t.randn(2000, 2000)
arange                    t.arange(4_000_000)
linspace                  t.linspace(0, 1, 4_000_000)
ones                      t.ones(2000, 2000)
eye                       t.eye(2000)
full_like                 t.full_like(x, 3.0)
new_full                  x.new_full((2000, 2000), 3.0)
new_zeros                 x.new_zeros((2000, 2000))
new_ones                  x.new_ones((2000, 2000))
zeros                     t.zeros(2000, 2000)
bitwise_not               ~places
to half                   x.half()
multinomial               t.multinomial(flat.abs(), 100)
bernoulli                 t.full((2000, 2000), 0.5).bernoulli()
nanquantile, dim 1        t.nanquantile(x, 0.3, 1)
unique, counts            t.unique(x, return_counts=True)
unique_consecutive, rows  x.unique_consecutive(dim=0)
histogram                 t.histogram(flat, 100)
cumsum, middle dim        cube.cumsum(1)
softmax, middle dim       cube.softmax(1)
sum, middle dim           cube.sum(1)
std, middle dim           cube.std(1)
argmax, middle dim        cube.argmax(1)
sum, transposed           x.t().sum(0)
x + y, transposed         x.t() + y
x + y, int64              places + places
x + places                x + places
x > y                     x > y
isclose                   t.isclose(x, y)
allclose                  t.allclose(x, y)
nan_to_num                x.nan_to_num()
to float64                x.double()
one_hot                   F.one_hot(rows, 2000)
nonzero, as tuple         mask.nonzero(as_tuple=True)
x[rows] = y               x.clone().__setitem__(rows, y)
x[mask] = 0               x.clone().__setitem__(mask, 0.0)
put_                      x.clone().put_(places, y)
meshgrid                  [m.contiguous() for m in t.meshgrid(x[0], x[1], indexing="ij")]
tensor_split, joined      t.cat(x.tensor_split(3))
ctc_loss                  F.ctc_loss(x[:1000].view(100, 20, 1000), labels, *lengths)
svd                       t.linalg.svd(square[:300, :300])
eig                       t.linalg.eig(square[:600, :600])
ldl_factor                t.linalg.ldl_factor(square[:600, :600])
rfft, dim 0               t.fft.rfft(x, dim=0)
normal                    t.normal(x, 1.0)
randint                   t.randint(100, (2000, 2000))
exponential_              t.empty(2000, 2000).exponential_()
poisson                   t.poisson(rates)
multinomial, rows         x.abs().multinomial(50)
multinomial, again        x.abs().multinomial(50, replacement=True)
logical_and               t.logical_and(x, y)
x << places               places << 1
vander                    t.vander(flat[:40000], 100)
cartesian_prod            t.cartesian_prod(flat[:1500], flat[:1500])
add_                      x.clone().add_(y, alpha=2)
clamp_                    x.clone().clamp_(-1, 1)
masked_fill_              x.clone().masked_fill_(mask, 0)
index_add_                x.clone().index_add_(0, rows, y)
scatter_                  x.clone().scatter_(0, places, y)
sort, stable              x.sort(dim=1, stable=True)
quantile, flat            flat[:2_000_000].quantile(0.3)
cdist, p 2                t.cdist(x[:, :64], y[:, :64])
cdist, p inf              t.cdist(x[:, :64], y[:, :64], p=float("inf"))
angle                     complex.angle()
view_as_real              t.view_as_real(complex).contiguous()
polar                     t.polar(x, y)
out=                      t.add(x, y, out=t.empty(2000, 2000))
sum, out=                 t.sum(x, 0, out=t.empty(2000))
matmul, out=              t.matmul(x, y, out=t.empty(2000, 2000))
cumsum, out=              t.cumsum(x, 1, out=t.empty(2000, 2000))
cumsum, transposed        x.t().cumsum(1)
sort, transposed          x.t().sort(1)
gelu, transposed          F.gelu(x.t())
layer_norm, transposed    F.layer_norm(x.t(), (2000,))
conv2d, transposed        F.conv2d(pictures.transpose(2, 3), weight)
sum, bf16                 halves.sum()
rms_norm, bf16            F.rms_norm(halves, (2000,))
norm, bf16, dim 0         halves.norm(dim=0)
cumsum, bf16              halves.cumsum(1)
sort, bf16                halves.sort(1)
var, bf16                 halves.var(1)
argwhere                  mask.argwhere()
masked_scatter_           x.clone().masked_scatter_(mask, y)
index_put_, bool          x.clone().index_put_((mask,), y[0, 0])
scatter, number           x.scatter(1, places, 1.0)
scatter_reduce, prod      x.scatter_reduce(0, places, y, "prod")
histogramdd               t.histogramdd(x.view(-1, 2), [10, 10])
hsplit, vstack            t.vstack(x.hsplit(2))
column_stack              t.column_stack((x, y))
tile                      x.tile(2, 2)
unique, dim 1             x.unique(dim=1)
mode, dim 1, values       places.mode(1)
combinations              t.combinations(flat[:2000])
triu_indices              t.triu_indices(2000, 2000)
bmm, transposed           batch.mT @ batch
lu                        t.linalg.lu(square)
cholesky_inverse          t.cholesky_inverse(definite)
matrix_rank               t.linalg.matrix_rank(square[:600, :600])
cond                      t.linalg.cond(square[:600, :600])
cross                     t.linalg.cross(x[:, :1998].reshape(-1, 3), y[:, :1998].reshape(-1, 3))
householder               t.linalg.householder_product(*t.geqrf(square))
bernoulli_                x.clone().bernoulli_(0.5)
randint_like              t.randint_like(x, 10)
dropout_                  F.dropout(x.clone(), inplace=True)
relu_, inplace            F.relu(x.clone(), inplace=True)
addcdiv_                  x.clone().addcdiv_(y, y)
lerp_                     x.clone().lerp_(y, 0.5)
addmm_                    x.clone().addmm_(y, y)
cumsum_                   x.clone().cumsum_(0)
t_, add_                  x.clone().t_().add_(y)
transposed add_           x.clone().add_(y.t())
index_fill_               x.clone().index_fill_(0, rows, 0)
sort, out                 t.sort(x, out=(t.empty(2000, 2000), t.empty(2000, 2000, dtype=t.int64)))
cast int                  x.int()
to int64                  x.long()
to bool                   x.bool()
bitwise_and               places & 3
floor_divide              places // 3
allclose, bf16            t.allclose(halves, halves)
equal                     t.equal(x, y)
tril_indices              t.tril_indices(1000, 1000)
ihfft                     t.fft.ihfft(x)
fftn                      t.fft.fftn(cube)
istft                     t.istft(spectrum, 400, window=window)
"""),
}

DIFFERENTIABLE = {
    **{name: ["x", f"t.{name}(x)"] for name in ELEMENTWISE.split()},
    **{name: ["x", f"F.{name}(x)"] for name in ACTIVATIONS.split()},
    **{
        f"{name}, dim {dim}": ["x", f"t.{name}(x, dim={dim})"]
        for name in ALONG_DIFFERENTIABLE.split()
        for dim in (0, 1)
    },
    **_read("""
add                       x y               x + y
sub                       x y               x - y
number - x                x                 2 - x
number / x                x                 2 / x
number ** x               x                 2**x
mul                       x y               x * y
div                       x y               x / y
pow                       x                 x**3
clamp                     x                 x.clamp(-1, 1)
lerp                      x y               x.lerp(y, 0.3)
addcmul                   x y               t.addcmul(x, x, y)
addcdiv                   x y               t.addcdiv(x, x, y)
number + x                x                 2 + x
number * x                x                 2 * x
maximum                   x y               t.maximum(x, y)
minimum                   x y               t.minimum(x, y)
atan2                     x y               t.atan2(x, y)
where                     x y               t.where(mask, x, y)
cat                       x y               t.cat((x, y))
stack                     x y               t.stack((x, y))
hstack                    x y               t.hstack((x, y))
masked_fill               x                 x.masked_fill(mask, 0)
masked_select             x                 x.masked_select(mask)
masked_scatter            x y               x.masked_scatter(mask, y)
index_select              x                 x.index_select(0, rows)
index_add                 x y               x.index_add(0, rows, y)
x[rows]                   x                 x[rows]
gather                    x                 x.gather(0, places)
scatter                   x y               x.scatter(0, places, y)
scatter_add               x y               x.scatter_add(0, places, y)
embedding                 x                 F.embedding(rows, x)
pad                       x                 F.pad(x, (1, 1))
flip                      x                 x.flip(0)
roll                      x                 x.roll(1, 0)
repeat                    x                 x.repeat(1, 2)
tril                      x                 x.tril()
unfold                    pictures          F.unfold(pictures, 2, stride=2)
max, dim 1                x                 x.max(1).values
sort, dim 1               x                 x.sort(1).values
topk, dim 1               x                 x.topk(10).values
cummax, dim 1             x                 x.cummax(1).values
median, dim 1             x                 x.median(1).values
quantile, dim 1           x                 x.quantile(0.3, 1)
cross_entropy             x                 F.cross_entropy(x, rows)
nll_loss                  x                 F.nll_loss(x, rows)
mse_loss                  x y               F.mse_loss(x, y)
l1_loss                   x y               F.l1_loss(x, y)
smooth_l1_loss            x y               F.smooth_l1_loss(x, y)
kl_div                    x y               F.kl_div(x, y, reduction="batchmean")
bce_with_logits           x y               F.binary_cross_entropy_with_logits(x, y)
cosine_similarity         x y               F.cosine_similarity(x, y)
layer_norm                x                 F.layer_norm(x, (2000,))
rms_norm                  x                 F.rms_norm(x, (2000,))
batch_norm                pictures          F.batch_norm(pictures, None, None, training=True)
group_norm                pictures          F.group_norm(pictures, 4)
instance_norm             pictures          F.instance_norm(pictures)
max_pool2d                pictures          F.max_pool2d(pictures, 2)
avg_pool1d                lines             F.avg_pool1d(lines, 2)
avg_pool2d                pictures          F.avg_pool2d(pictures, 2)
adaptive_avg_pool1d       lines             F.adaptive_avg_pool1d(lines, 100)
dropout2d                 pictures          F.dropout2d(pictures)
adaptive_avg_pool2d       pictures          F.adaptive_avg_pool2d(pictures, 1)
interpolate               pictures          F.interpolate(pictures, scale_factor=2)
interpolate, bilinear     pictures          F.interpolate(pictures, scale_factor=2, mode="bilinear")
conv2d, 3 x 3             pictures weight   F.conv2d(pictures, weight, padding=1)
conv2d, 1 x 1             pictures small    F.conv2d(pictures, small)
conv_transpose2d          pictures weight   F.conv_transpose2d(pictures, weight)
matmul                    x y               x @ y
linear                    x y               F.linear(x, y)
bmm                       batch             batch @ batch
einsum                    batch             t.einsum("bij,bkj->bik", batch, batch)
cdist                     x                 t.cdist(x[:, :64], x[:, 64:128])
attention                 heads             F.scaled_dot_product_attention(heads, heads, heads)
attention, causal         heads             F.scaled_dot_product_attention(heads, heads, heads, is_causal=True)
attention, three dims     heads             F.scaled_dot_product_attention(*(heads.flatten(0, 1),) * 3)
LSTM                      sequences         lstm(sequences)[0]
GRU                       sequences         gru(sequences)[0]
inv                       square            t.linalg.inv(square)
det                       near              t.linalg.det(near)
slogdet                   square            t.linalg.slogdet(square).logabsdet
solve                     square            t.linalg.solve(square, square.detach())
solve_triangular          definite          t.linalg.solve_triangular(definite, square, upper=True)
cholesky                  definite          t.linalg.cholesky(definite)
qr                        square            t.linalg.qr(square).Q
eigh                      definite          t.linalg.eigh(definite[:300, :300]).eigenvectors
svdvals                   square            t.linalg.svdvals(square[:600, :600])
matrix_exp                near              t.matrix_exp(near[:500, :500])
prod, dim 1               x                 x.prod(1)
take_along_dim            x                 t.take_along_dim(x, places, 1)
repeat_interleave         x                 x.repeat_interleave(2, 1)
index_copy                x y               x.index_copy(0, rows, y)
x[:, rows]                x                 x[:, rows]
x[:, ::2]                 x                 x[:, ::2]
diff                      x                 x.diff()
pad, reflect              pictures          F.pad(pictures, (1, 1, 1, 1), "reflect")
prelu                     x slope           F.prelu(x, slope)
addmm                     x y               t.addmm(x, x, y)
baddbmm                   batch             t.baddbmm(batch, batch, batch)
kron                      x                 t.kron(x[:50, :40], x[:50, :40])
layer_norm, affine        x slopes          F.layer_norm(x, (2000,), slopes, slopes)
max_pool2d, 3 by 1        pictures          F.max_pool2d(pictures, 3, 1)
adaptive_max_pool2d       pictures          F.adaptive_max_pool2d(pictures, 7)
grid_sample               pictures grid     F.grid_sample(pictures, grid, align_corners=False)
pixel_shuffle             pictures          F.pixel_shuffle(pictures, 2)
huber_loss                x y               F.huber_loss(x, y)
depthwise conv2d          pictures depthwise  F.conv2d(pictures, depthwise, padding=1, groups=16)
conv1d                    lines kernel      F.conv1d(lines, kernel)
stft                      flat              t.stft(flat[:400_000], 400, return_complex=True, window=window)
rfft                      x                 t.fft.rfft(x)
fft                       x                 t.fft.fft(x)
irfft                     complex           t.fft.irfft(complex)
conv1d, k 1               lines             F.conv1d(lines, pointwise)
conv2d, stride 2          pictures          F.conv2d(pictures, weight, stride=2)
conv2d, dilation 2        pictures          F.conv2d(pictures, weight, dilation=2)
conv2d, groups 4          pictures          F.conv2d(pictures, weight[:, :4], groups=4)
conv2d, weight too        pictures weight biased  F.conv2d(pictures, weight, biased)
conv2d, 7 x 7             pictures big      F.conv2d(pictures, big, padding=3)
conv3d                    volume weights_of_volumes  F.conv3d(volume, weights_of_volumes)
conv_transpose1d          lines upward      F.conv_transpose1d(lines, upward, stride=2)
conv_transpose2d, stride 2  pictures weight   F.conv_transpose2d(pictures, weight, stride=2)
conv_transpose3d          volume weights_of_volumes  F.conv_transpose3d(volume, weights_of_volumes)
max_pool1d                lines             F.max_pool1d(lines, 2)
max_pool3d                volume            F.max_pool3d(volume, 2)
avg_pool3d                volume            F.avg_pool3d(volume, 2)
lp_pool2d                 pictures          F.lp_pool2d(pictures, 2.0, 2)
fractional_max_pool2d     pictures          F.fractional_max_pool2d(pictures, 2, output_ratio=(0.5, 0.5))
max_unpool2d              pictures          F.max_unpool2d(*F.max_pool2d(pictures, 2, return_indices=True), 2)
fold                      x                 F.fold(x[:256].view(16, 64, 500), (40, 200), (4, 4), stride=4)
unfold, 3                 pictures          F.unfold(pictures[:4], 3, padding=1)
tensor.unfold             x                 x.unfold(1, 10, 5).contiguous()
interpolate, bicubic      pictures          F.interpolate(pictures, scale_factor=2, mode="bicubic")
interpolate, antialias    pictures          F.interpolate(pictures, (60, 60), mode="bilinear", antialias=True)
interpolate, area         pictures          F.interpolate(pictures, scale_factor=0.5, mode="area")
interpolate, linear       lines             F.interpolate(lines, scale_factor=2, mode="linear")
interpolate, trilinear    volume            F.interpolate(volume, scale_factor=2, mode="trilinear")
affine_grid               thetas            F.affine_grid(thetas, (64, 3, 120, 120), align_corners=False)
grid_sample, nearest      pictures grid     F.grid_sample(pictures, grid, "nearest", align_corners=False)
grid_sample, bicubic      pictures grid     F.grid_sample(pictures, grid, "bicubic", align_corners=False)
pad, replicate            pictures          F.pad(pictures, (1, 1, 1, 1), "replicate")
pad, circular             pictures          F.pad(pictures, (1, 1, 1, 1), "circular")
local_response_norm       pictures          F.local_response_norm(pictures, 5)
batch_norm, affine        pictures sixteen  F.batch_norm(pictures, None, None, sixteen, sixteen, True)
batch_norm, eval          pictures          F.batch_norm(pictures, zeros, sixteen)
group_norm, affine        pictures sixteen  F.group_norm(pictures, 4, sixteen, sixteen)
rms_norm, affine          x slopes          F.rms_norm(x, (2000,), slopes)
embedding_bag             x                 F.embedding_bag(rows.view(-1, 10), x)
embedding_bag, max        x                 F.embedding_bag(rows.view(-1, 10), x, mode="max")
embedding_bag, many       x                 F.embedding_bag(places, x[:, :100])
cross_entropy, smooth     x                 F.cross_entropy(x, rows, label_smoothing=0.1)
cross_entropy, weights    x                 F.cross_entropy(x, rows, slopes)
cross_entropy, probs      x                 F.cross_entropy(x, probs)
cross_entropy, pictures   pictures          F.cross_entropy(pictures, classes)
nll_loss, pictures        pictures          F.nll_loss(pictures, classes)
bce                       probs             F.binary_cross_entropy(probs, probs.detach())
poisson_nll               x                 F.poisson_nll_loss(x, rates)
poisson_nll, no logs      x                 F.poisson_nll_loss(x, rates, log_input=False)
kl_div, logs              x                 F.kl_div(x, y, reduction="batchmean", log_target=True)
gaussian_nll              x y               F.gaussian_nll_loss(x, y, rates)
hinge_embedding           x                 F.hinge_embedding_loss(x, signs)
soft_margin               x                 F.soft_margin_loss(x, signs)
multi_margin              x                 F.multi_margin_loss(x, rows)
multilabel_margin         x                 F.multilabel_margin_loss(x, places)
multilabel_soft_margin    x                 F.multilabel_soft_margin_loss(x, probs)
margin_ranking            x y               F.margin_ranking_loss(x, y, signs)
triplet_margin            x y               F.triplet_margin_loss(x, y, rates)
cosine_embedding          x y               F.cosine_embedding_loss(x, y, signs[:, 0])
ctc_loss, long            speech            F.ctc_loss(speech.log_softmax(-1), sentences, *long)
vector_norm               x                 t.linalg.vector_norm(x, dim=1)
pairwise_distance         x y               F.pairwise_distance(x, y)
pdist                     x                 t.pdist(x[:, :64])
cdist, p 1                x                 t.cdist(x[:, :64], x[:, 64:128], p=1)
bilinear                  x bilinear        F.bilinear(x[:, :50], x[:, 50:100], bilinear)
attention, mask           heads             F.scaled_dot_product_attention(heads, heads, heads, biases)
MultiheadAttention        sequences         mha(sequences, sequences, sequences, need_weights=False)[0]
MultiheadAttention, weights  sequences         mha(sequences, sequences, sequences)[0]
RNN                       sequences         rnn(sequences)[0]
einsum, three             batch             t.einsum("bij,bjk,bkl->bil", batch, batch, batch)
einsum, diagonal          batch             t.einsum("bij,bij->bi", batch, batch)
mv                        x slopes          x @ slopes
dot                       flat              flat.dot(flat)
addbmm                    batch             t.addbmm(batch[0], batch, batch)
addr                      x slopes          t.addr(x, slopes, slopes)
tensordot                 batch             t.tensordot(batch, batch.detach()[0], 1)
outer                     slopes            t.outer(slopes, slopes)
cross, linalg             threes            t.linalg.cross(threes, threes.detach())
logaddexp                 x y               t.logaddexp(x, y)
hypot                     x y               t.hypot(x, y)
xlogy                     probs y           t.xlogy(y, probs)
fmod                      x y               t.fmod(x, y)
remainder                 x y               t.remainder(x, y)
softmax, transposed       x                 x.t().softmax(1)
glu                       x                 F.glu(x)
mish                      x                 F.mish(x)
rrelu                     x                 F.rrelu(x, training=True)
softsign                  x                 F.softsign(x)
tanhshrink                x                 F.tanhshrink(x)
gumbel_softmax            x                 F.gumbel_softmax(x)
softmin                   x                 F.softmin(x, 1)
cov                       square            square.cov()
corrcoef                  square            square.corrcoef()
renorm                    x                 x.renorm(2, 0, 1.0)
trapezoid                 x                 t.trapezoid(x)
cumulative_trapezoid      x                 t.cumulative_trapezoid(x)
gradient                  x                 t.gradient(x)[0]
dist                      x y               t.dist(x, y)
aminmax                   x                 x.aminmax(dim=1)[0]
kthvalue                  x                 x.kthvalue(10, 1)[0]
mode                      x                 x.mode(1)[0]
nansum                    x                 x.nansum(1)
nanquantile               x                 x.nanquantile(0.3, 1)
quantile, dim 0           x                 x.quantile(0.3, 0)
sort, dim 0               x                 x.sort(0).values
scatter_reduce            x y               x.scatter_reduce(0, places, y, "amax")
scatter_reduce, mean      x y               x.scatter_reduce(0, places, y, "mean")
index_reduce              x y               x.index_reduce(0, rows, y, "amax")
index_put                 x y               x.index_put((rows,), y)
index_fill                x                 x.index_fill(0, rows, 0.0)
take                      x                 x.take(places)
put                       x y               x.put(places, y)
x[mask]                   x                 x[mask]
x[i, j]                   x                 x[rows, rows]
chunk                     x                 t.cat(x.chunk(4)[::-1])
unbind                    x                 t.stack(x.unbind(0), 1)
movedim                   cube              cube.movedim(0, 2).contiguous()
expand                    slopes            slopes.expand(2000, 2000).contiguous()
diagonal                  x                 x.diagonal()
diag_embed                slopes            slopes.diag_embed()
diag                      slopes            slopes.diag()
block_diag                square            t.block_diag(square, square)
rot90                     x                 x.rot90()
select                    x                 x.select(0, 3)
narrow                    x                 x.narrow(0, 3, 1000)
split, joined             x                 t.cat(x.split(300, 1)[::-1], 1)
split_with_sizes, joined  x                 t.cat(x.split_with_sizes([500, 1500])[::-1])
flatten, transposed       x                 x.t().flatten()
ravel, transposed         x                 x.t().ravel()
select_scatter            x slopes          x.select_scatter(slopes, 0, 3)
slice_scatter             x square          x[:1000].slice_scatter(square, 1, 0, 1000)
view_as_complex           pairs             t.view_as_complex(pairs)
complex                   x y               t.complex(x, y)
abs, complex              complex           complex.abs()
mul, complex              complex           complex * complex
div, complex              complex           complex / (complex + 1)
exp, complex              complex           complex.exp()
matmul, complex           complex_square    complex_square @ complex_square
to bfloat16               x                 x.bfloat16()
matmul, bf16              halves            halves @ halves
softmax, bf16             halves            halves.softmax(1)
layer_norm, bf16          halves            F.layer_norm(halves, (2000,))
norm, bf16                halves            halves.norm(dim=1)
gelu, bf16                halves            F.gelu(halves)
batch_norm, bf16          half_pictures     F.batch_norm(half_pictures, None, None, training=True)
group_norm, bf16          half_pictures     F.group_norm(half_pictures, 4)
conv2d, bf16              half_pictures half_weight  F.conv2d(half_pictures, half_weight)
max_pool2d, bf16          half_pictures     F.max_pool2d(half_pictures, 2)
interpolate, bf16         half_pictures     F.interpolate(half_pictures, scale_factor=2, mode="bilinear")
attention, bf16           half_heads        F.scaled_dot_product_attention(half_heads, half_heads, half_heads)
cross_entropy, bf16       halves            F.cross_entropy(halves, rows)
fft2                      x                 t.fft.fft2(x)
ifft                      complex           t.fft.ifft(complex)
rfft2                     x                 t.fft.rfft2(x)
irfft2                    complex           t.fft.irfft2(complex)
hfft                      complex           t.fft.hfft(complex)
fftshift                  x                 t.fft.fftshift(x)
fft, dim 0                x                 t.fft.fft(x, dim=0)
pinv                      square            t.linalg.pinv(square)
lstsq                     square            t.linalg.lstsq(square, square.detach()).solution
lu_factor                 square            t.linalg.lu_factor(square)[0]
lu_solve                  square            t.linalg.lu_solve(*t.linalg.lu_factor(square), square)
cholesky_solve            definite          t.cholesky_solve(definite, definite)
matrix_power              near              t.linalg.matrix_power(near, 5)
eigvalsh                  definite          t.linalg.eigvalsh(definite)
matrix_norm, nuc          square            t.linalg.matrix_norm(square[:600, :600], "nuc")
inv, stack                stack             t.linalg.inv(stack)
solve, stack              stack             t.linalg.solve(stack, stack.detach())
det, stack                stack             t.linalg.det(stack)
trace                     x                 x.trace()
multi_dot                 x y               t.linalg.multi_dot((x, y, x))
checkpoint                x                 checkpoint(lambda x: x.exp().sin().tanh(), x, use_reentrant=False)
MLP                       x                 mlp(x)
encoder                   sequences         encoder(sequences)
"""),
}
