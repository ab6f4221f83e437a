"""The table of modules: one row for every way in which a class of `torch.nn` is made and called.

    how it is made | what it is called with

in the names of `nn` and these: `a(*shape)` numbers that want a gradient, `u(*shape)` numbers between 0 and 1, `n(high, *shape)` whole
numbers, `i` the function tensor, `L` the library, `F` its nn.functional. A row without a call is a module that has no forward.
"""

ROWS = """
Linear(3, 4) | a(5, 3)
Linear(3, 1, bias=False) | a(2, 5, 3)
Linear(7, 5) | a(7)
LazyLinear(6) | a(2, 4, 9)
LazyLinear(6, False) | a(9)
Bilinear(5, 4, 3) | a(2, 5), a(2, 4)
Bilinear(5, 4, 3, bias=False) | a(2, 3, 5), a(2, 3, 4)
Identity(54, unused=0.1) | a(3)

Conv1d(4, 6, 3) | a(2, 4, 9)
Conv1d(4, 6, 3, padding=2, padding_mode="circular", stride=2) | a(2, 4, 9)
Conv1d(4, 6, 2, padding="same", padding_mode="replicate", dilation=3) | a(4, 9)
Conv1d(4, 6, 3, groups=2, bias=False) | a(2, 4, 9)
Conv2d(4, 6, 3) | a(2, 4, 9, 7)
Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(4, 2), dilation=(3, 1)) | a(2, 4, 9, 7)
Conv2d(4, 6, 3, groups=2, bias=False) | a(2, 4, 9, 7)
Conv2d(4, 6, 3, padding="valid") | a(4, 9, 7)
Conv2d(4, 6, 3, padding="same", padding_mode="reflect") | a(2, 4, 9, 7)
Conv2d(4, 6, 3, padding="valid", padding_mode="reflect") | a(2, 4, 9, 7)
Conv3d(2, 3, 3, padding=(1, 0, 2), padding_mode="circular") | a(2, 2, 4, 5, 6)
Conv3d(2, 4, 2, groups=2, stride=2) | a(2, 2, 4, 5, 6)
Conv3d(2, 4, 2, dilation=(1, 2, 1), bias=False) | a(2, 4, 5, 6)
ConvTranspose1d(4, 6, 3, stride=2) | a(2, 4, 9)
ConvTranspose1d(4, 6, 3, 3, 1, 1, 2, False, 2, "zeros") | a(4, 9)
ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2) | a(2, 4, 5, 6)
ConvTranspose2d(4, 6, (3, 2), bias=False, dilation=2, padding_mode="zeros") | a(4, 5, 6)
ConvTranspose2d(4, 3, 3, stride=2) | a(2, 4, 5, 5), output_size=[11, 12]
ConvTranspose2d(4, 3, 3, stride=2) | a(4, 5, 5), (3, 12, 11)
ConvTranspose3d(2, 3, 2, stride=(1, 2, 3)) | a(2, 2, 4, 5, 6)
ConvTranspose3d(2, 4, 2, 2, 1, 1, 2, False, 1, "zeros") | a(2, 2, 4, 5, 6)
LazyConv1d(6, 3) | a(2, 4, 9)
LazyConv1d(6, 3, 2, 1, 2, 2, False, "circular") | a(2, 4, 9)
LazyConv2d(6, (3, 2), groups=2, padding=1) | a(2, 4, 9, 7)
LazyConv2d(6, 3, 2, 1, 2, 2, False, "reflect") | a(2, 4, 9, 7)
LazyConv3d(6, 3, bias=False) | a(4, 3, 5, 7)
LazyConv3d(6, 3, 2, 1, 1, 2, False, "replicate") | a(2, 4, 3, 5, 7)
LazyConvTranspose1d(6, 3, stride=2) | a(2, 4, 9)
LazyConvTranspose1d(6, 3, 3, 1, 1, 2, False, 2, "zeros") | a(2, 4, 9)
LazyConvTranspose2d(6, 3, groups=2) | a(2, 4, 5, 6)
LazyConvTranspose2d(6, 3, 3, 1, 1, 2, False, 2, "zeros") | a(2, 4, 5, 6)
LazyConvTranspose3d(6, 3, bias=False) | a(2, 4, 3, 5, 7)
LazyConvTranspose3d(6, 2, 2, 1, 1, 2, False, 1, "zeros") | a(2, 4, 3, 2, 4)

LayerNorm(5) | a(3, 5)
LayerNorm((4, 5), eps=0.1) | a(3, 4, 5)
LayerNorm([5], bias=False) | a(3, 4, 5)
LayerNorm(5, elementwise_affine=False) | a(3, 5)
RMSNorm(5) | a(3, 5)
RMSNorm((4, 5), eps=0.1, elementwise_affine=False) | a(3, 4, 5)
GroupNorm(2, 4) | a(3, 4, 5)
GroupNorm(1, 4, eps=0.1) | a(3, 4, 2, 3)
GroupNorm(4, 4, affine=False) | a(3, 4, 7)
GroupNorm(2, 6, bias=False) | a(3, 6, 5)
BatchNorm1d(4) | a(5, 4)
BatchNorm1d(4, momentum=None, eps=0.1) | a(5, 4, 3)
BatchNorm1d(4, affine=False) | a(5, 4, 3)
BatchNorm1d(4, track_running_stats=False, bias=False) | a(5, 4, 3)
BatchNorm2d(4, momentum=0.5) | a(2, 4, 3, 5)
BatchNorm2d(4, 0.1, 0.3, False, False, bias=False) | a(2, 4, 3, 5)
BatchNorm3d(4) | a(2, 4, 3, 2, 2)
BatchNorm3d(4, 0.1, 0.3, False, False, bias=False) | a(2, 4, 3, 2, 2)
LazyBatchNorm1d() | a(5, 4)
LazyBatchNorm1d(0.1, 0.3, False, False, bias=False) | a(5, 4, 3)
LazyBatchNorm2d(bias=False) | a(2, 4, 3, 5)
LazyBatchNorm2d(0.1, None, False, False) | a(2, 4, 3, 5)
LazyBatchNorm3d(affine=False) | a(2, 4, 3, 2, 2)
LazyBatchNorm3d(0.1, None, True, False, bias=False) | a(2, 4, 3, 2, 2)
InstanceNorm1d(4) | a(3, 4, 5)
InstanceNorm1d(4, affine=True, bias=False) | a(4, 5)
InstanceNorm1d(4, 0.1, 0.3, True, True) | a(3, 4, 5)
InstanceNorm2d(4, affine=True, track_running_stats=True) | a(2, 4, 3, 5)
InstanceNorm2d(4, 0.1, 0.3, True, bias=False) | a(2, 4, 3, 5)
InstanceNorm3d(4, track_running_stats=True) | a(2, 4, 3, 2, 2)
InstanceNorm3d(4, 0.1, 0.3, True, bias=False) | a(2, 4, 3, 2, 2)
LazyInstanceNorm1d() | a(3, 4, 5)
LazyInstanceNorm1d(0.1, 0.3, True, True, bias=False) | a(3, 4, 5)
LazyInstanceNorm2d(affine=True) | a(2, 4, 3, 5)
LazyInstanceNorm2d(0.1, 0.3, True, True, bias=False) | a(2, 4, 3, 5)
LazyInstanceNorm3d(track_running_stats=True) | a(2, 4, 3, 2, 2)
LazyInstanceNorm3d(0.1, 0.3, True, bias=False) | a(2, 4, 3, 2, 2)
LocalResponseNorm(3, alpha=0.1) | a(2, 5, 4)
LocalResponseNorm(2, alpha=0.1, beta=0.5, k=2.0) | a(2, 5, 3, 2, 2)
CrossMapLRN2d(3, alpha=0.1) | a(2, 5, 4, 3).detach()
CrossMapLRN2d(2, alpha=0.1, beta=0.5, k=2) | a(1, 5, 3, 2).detach()

Embedding(6, 3) | i([[0, 2, 5], [2, 2, 1]])
Embedding(6, 3, padding_idx=-4) | i([[0, 2, 5], [2, 2, 1]])
Embedding(6, 3, max_norm=1.0, norm_type=1.0) | i([[0, 2, 5], [2, 2, 1]])
Embedding(6, 3, scale_grad_by_freq=True) | i([[0, 2, 5], [2, 2, 1]])
EmbeddingBag(6, 3) | i([[0, 2, 5], [2, 2, 1]])
EmbeddingBag(6, 3, mode="sum", padding_idx=2, max_norm=1.0, norm_type=3.0) | i([[0, 2, 5], [2, 2, 1]])
EmbeddingBag(6, 3, mode="max") | i([[0, 2, 5], [2, 2, 1]])
EmbeddingBag(6, 3, mode="sum", include_last_offset=True) | i([0, 2, 5, 2]), i([0, 3, 4]), a(4)
EmbeddingBag(6, 3, scale_grad_by_freq=True) | i([0, 2, 5, 5]), i([0, 3])

MaxPool1d(3, 2, 1, ceil_mode=True) | a(2, 3, 8)
MaxPool1d(2, dilation=2, return_indices=True) | a(3, 8)
MaxPool2d(2) | a(2, 3, 7, 6)
MaxPool2d((3, 2), 2, 1, 2, return_indices=True) | a(2, 3, 9, 8)
MaxPool2d(2, ceil_mode=True) | a(3, 7, 5)
MaxPool3d(2, 1) | a(1, 2, 4, 3, 5)
MaxPool3d(2, 2, 1, 1, True, True) | a(2, 4, 3, 5)
MaxUnpool1d(3, 2) | *F.max_pool1d(a(2, 3, 9), 3, 2, return_indices=True)
MaxUnpool2d(2) | *F.max_pool2d(a(2, 3, 6, 8), 2, return_indices=True)
MaxUnpool2d(3, stride=(2, 1), padding=1) | *F.max_pool2d(a(2, 3, 7, 8), 3, (2, 1), 1, return_indices=True)
MaxUnpool2d(2) | *F.max_pool2d(a(2, 3, 7, 9), 2, return_indices=True), output_size=(7, 9)
MaxUnpool3d((3, 2, 2), (2, 1, 2), (0, 1, 1)) | *F.max_pool3d(a(2, 5, 4, 6), (3, 2, 2), (2, 1, 2), (0, 1, 1), return_indices=True)
MaxUnpool1d(2, padding=1) | *F.max_pool1d(a(3, 8), 2, padding=1, return_indices=True)
AvgPool1d(3, 2, 1, count_include_pad=False) | a(2, 3, 8)
AvgPool1d(3, ceil_mode=True) | a(3, 8)
AvgPool2d((2, 3), 2, (1, 1), ceil_mode=True) | a(2, 3, 7, 6)
AvgPool2d(2, count_include_pad=False, padding=1, divisor_override=3) | a(3, 7, 6)
AvgPool3d(2, divisor_override=3) | a(1, 2, 4, 3, 5)
AvgPool3d(2, 2, 1, True, False) | a(2, 4, 3, 5)
LPPool1d(3, 2, ceil_mode=True) | a(2, 3, 7)
LPPool1d(2, 3, 2) | a(3, 7)
LPPool2d(2, (3, 2), 2) | a(2, 3, 7, 6)
LPPool2d(float("inf"), 2, ceil_mode=True) | a(2, 3, 7, 6)
LPPool3d(1, 2) | a(1, 2, 4, 3, 5)
LPPool3d(2, 2, 1, True) | a(2, 4, 3, 5)
AdaptiveMaxPool1d(3, return_indices=True) | a(2, 3, 8)
AdaptiveMaxPool2d((None, 2)) | a(2, 3, 7, 6)
AdaptiveMaxPool2d(2, True) | a(3, 7, 6)
AdaptiveMaxPool3d(2) | a(1, 2, 4, 3, 5)
AdaptiveMaxPool3d((2, None, 1), True) | a(2, 4, 3, 5)
AdaptiveAvgPool1d(5) | a(2, 3, 8)
AdaptiveAvgPool2d((3, 4)) | a(2, 3, 7, 6)
AdaptiveAvgPool2d(1) | a(3, 7, 6)
AdaptiveAvgPool3d((1, 2, None)) | a(1, 2, 4, 3, 5)
FractionalMaxPool2d(2, output_size=(4, 3)) | a(2, 3, 9, 8)
FractionalMaxPool2d((2, 3), output_ratio=0.5, return_indices=True) | a(3, 9, 8)
FractionalMaxPool3d(2, output_ratio=(0.5, 0.4, 0.6)) | a(1, 2, 6, 7, 8)
FractionalMaxPool3d(2, 3, return_indices=True) | a(2, 6, 7, 8)

Upsample(scale_factor=2) | a(2, 3, 4)
Upsample((5, 7), mode="bilinear", align_corners=True) | a(2, 3, 4, 5)
Upsample(scale_factor=(1.5, 2), mode="bicubic", recompute_scale_factor=True) | a(2, 3, 4, 5)
Upsample(size=3, mode="trilinear") | a(1, 2, 3, 4, 2)
UpsamplingNearest2d(scale_factor=3) | a(1, 2, 3, 2)
UpsamplingNearest2d(5) | a(1, 2, 3, 2)
UpsamplingBilinear2d((4, 6)) | a(1, 2, 3, 2)
UpsamplingBilinear2d(scale_factor=2) | a(1, 2, 3, 2)
PixelShuffle(2) | a(2, 8, 2, 3)
PixelUnshuffle(2) | a(2, 1, 4, 6)
ChannelShuffle(3) | a(2, 6, 2, 3)
Flatten() | a(2, 3, 4)
Flatten(0, 1) | a(2, 3, 4)
Unflatten(1, (2, -1)) | a(2, 6, 4)
Fold((4, 5), (2, 3), padding=1, stride=2) | a(2, 12, 9)
Fold((5, 6), 2, dilation=(1, 2)) | a(8, 16)
Unfold((2, 3), dilation=(1, 2), padding=1) | a(2, 3, 4, 5)
Unfold(2, stride=2) | a(3, 4, 5)
ConstantPad1d(2, -1) | a(3, 4)
ConstantPad2d((1, 2, 0, 1), 3.5) | a(2, 3, 4, 5)
ConstantPad3d(1, 7) | a(1, 2, 3, 2, 2)
CircularPad1d((2, 1)) | a(2, 3, 4)
CircularPad2d(1) | a(2, 3, 4, 5)
CircularPad3d((1, 0, 1, 1, 0, 1)) | a(2, 2, 3, 2, 4)
ReflectionPad1d((2, 1)) | a(2, 3, 4)
ReflectionPad2d(1) | a(3, 4, 5)
ReflectionPad3d((1, 0, 1, 1, 0, 1)) | a(2, 2, 3, 2, 4)
ReplicationPad1d((2, 1)) | a(3, 4)
ReplicationPad2d(1) | a(2, 3, 4, 5)
ReplicationPad3d((1, 0, 1, 1, 0, 1)) | a(2, 2, 3, 2, 4)
ZeroPad1d((2, 1)) | a(2, 3, 4)
ZeroPad2d((1, 0, -1, 2)) | a(2, 3, 4, 5)
ZeroPad3d(1) | a(2, 2, 3, 2, 4)

ReLU() | a(3, 5)
ReLU(inplace=True) | a(3, 5) * 1
ReLU6(True) | a(3, 5) * 5
CELU(0.7, True) | a(3, 5) * 1
ELU(0.7, True) | a(3, 5) * 1
SELU(True) | a(3, 5) * 1
GELU() | a(3, 5)
GELU(approximate="tanh") | a(3, 5)
GLU() | a(3, 4)
GLU(dim=0) | a(4, 3)
Hardshrink(0.3) | a(3, 5)
Softshrink(0.3) | a(3, 5)
Tanhshrink() | a(3, 5)
Hardsigmoid(True) | a(3, 5) * 3
Hardswish(True) | a(3, 5) * 3
Hardtanh(-0.5, 0.7, True) | a(3, 5) * 1
Hardtanh() | a(3, 5)
LeakyReLU(0.2, True) | a(3, 5) * 1
LogSigmoid() | a(3, 5)
Sigmoid() | a(3, 5)
Tanh() | a(3, 5)
SiLU(True) | a(3, 5) * 1
Mish(True) | a(3, 5) * 1
Softplus(2.0, 3.0) | a(3, 5) * 2
Softsign() | a(3, 5)
Threshold(0.1, 20, True) | a(3, 5) * 1
RReLU(0.1, 0.4, True) | a(3, 5) * 1
PReLU() | a(2, 3, 5)
PReLU(3, init=0.1) | a(2, 3, 5)
Softmax(1) | a(3, 5)
Softmin(0) | a(3, 5)
LogSoftmax(-1) | a(3, 5)
Softmax2d() | a(2, 3, 4, 5)
Dropout() | a(7, 5)
Dropout(0.3, True) | a(7, 5) * 1
Dropout1d(0.3, True) | a(3, 4, 2) * 1
Dropout2d(0.3, True) | a(3, 4, 2, 2) * 1
Dropout3d(0.3, True) | a(3, 4, 2, 2, 2) * 1
AlphaDropout(0.3, True) | a(7, 5) * 1
FeatureAlphaDropout(0.3, True) | a(7, 5, 2) * 1

RNN(4, 6, nonlinearity="relu", bidirectional=True) | a(5, 3, 4)
RNN(4, 6, 2, bias=False, batch_first=True, dropout=0.3) | a(3, 5, 4), a(2, 3, 6)
LSTM(4, 6) | a(5, 3, 4)
LSTM(4, 6, 2, False, True, 0.3, True, 3) | a(3, 5, 4), (a(4, 3, 3), a(4, 3, 6))
GRU(4, 6) | a(5, 4), a(1, 6)
GRU(4, 6, 2, True, True, 0.3, True) | a(3, 5, 4)
RNNBase("LSTM", 3, 4, 2, False, True, 0.1, True, 2)
RNNCell(4, 6) | a(3, 4)
RNNCell(4, 6, bias=False, nonlinearity="relu") | a(4), a(6)
LSTMCell(4, 6) | a(3, 4), (a(3, 6), a(3, 6))
LSTMCell(4, 6, False) | a(4)
GRUCell(4, 6) | a(3, 4)
GRUCell(4, 6, bias=False) | a(3, 4), a(3, 6)
RNNCellBase(3, 4, True, 2)

MultiheadAttention(8, 2) | a(5, 3, 8), a(7, 3, 8), a(7, 3, 8)
MultiheadAttention(8, 2, 0.3) | a(5, 3, 8), a(7, 3, 8), a(7, 3, 8)
MultiheadAttention(8, 2, 0.3) | a(5, 3, 8), a(7, 3, 8), a(7, 3, 8), need_weights=False
MultiheadAttention(8, 2, bias=False) | a(5, 3, 8), a(7, 3, 8), a(7, 3, 8), average_attn_weights=False
MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True) | a(5, 3, 8), a(7, 3, 8), a(7, 3, 8), a(3, 7) > 0.5, attn_mask=a(5, 7) > 1
MultiheadAttention(8, 2, add_bias_kv=True) | a(5, 3, 8), a(7, 3, 8), a(7, 3, 8), a(3, 7), need_weights=False, attn_mask=a(6, 5, 7)
MultiheadAttention(8, 2, kdim=5, vdim=3) | a(4, 3, 8), a(7, 3, 5), a(7, 3, 3)
MultiheadAttention(8, 2, kdim=5, vdim=3, bias=False) | a(4, 8), a(7, 5), a(7, 3), need_weights=False
MultiheadAttention(8, 2, batch_first=True) | *[a(3, 5, 8)] * 3
MultiheadAttention(8, 2, batch_first=True) | *[a(3, 5, 8)] * 3, need_weights=False
MultiheadAttention(8, 2, batch_first=True) | a(3, 5, 8), *[a(3, 4, 8)] * 2, need_weights=False
MultiheadAttention(8, 2) | *[a(5, 3, 8)] * 3, need_weights=False
MultiheadAttention(8, 2) | *[a(5, 8)] * 3, a(5) > 1
MultiheadAttention(8, 2) | *[a(5, 3, 8)] * 3, attn_mask=causal(5), is_causal=True, need_weights=False
MultiheadAttention(8, 2) | *[a(5, 8)] * 3, attn_mask=causal(5), is_causal=True
MultiheadAttention(8, 4) | *[a(5, 8)] * 3, attn_mask=a(4, 5, 5) > 1
TransformerEncoderLayer(8, 2, 16, 0.0) | a(5, 3, 8)
TransformerEncoderLayer(8, 2, 16) | a(5, 3, 8), a(5, 5) > 1.5
TransformerEncoderLayer(8, 2, 16, activation="gelu", norm_first=True) | a(5, 3, 8), None, a(3, 5) > 1
TransformerEncoderLayer(8, 2, 16, activation=L.tanh, batch_first=True, bias=False) | a(3, 5, 8)
TransformerEncoderLayer(8, 2, 16, layer_norm_eps=0.1, batch_first=True) | a(3, 5, 8), causal(5), is_causal=True
TransformerDecoderLayer(8, 2, 16) | a(4, 3, 8), a(5, 3, 8)
TransformerDecoderLayer(8, 2, 16, 0.0, norm_first=True) | a(4, 8), a(5, 8), causal(4), tgt_is_causal=True
TransformerDecoderLayer(8, 2, 16, batch_first=True) | a(3, 4, 8), a(3, 5, 8), a(4, 4) > 1.5, a(4, 5) > 1.5
TransformerDecoderLayer(8, 2, 16, 0.1, "gelu", 0.1, bias=False) | a(4, 3, 8), a(5, 3, 8)
TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 2) | a(5, 3, 8)
TransformerEncoder(TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, LayerNorm(8)) | a(3, 5, 8), causal(5)
TransformerEncoder(TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, LayerNorm(8)) | a(3, 5, 8), src_key_padding_mask=L.arange(5).expand(3, 5) > i([[1], [2], [9]])
TransformerEncoder(TransformerEncoderLayer(8, 2, 16, batch_first=True), 1, enable_nested_tensor=False, mask_check=False) | a(3, 5, 8)
TransformerDecoder(TransformerDecoderLayer(8, 2, 16), 2, LayerNorm(8)) | a(4, 3, 8), a(5, 3, 8), causal(4)
Transformer(8, 2, 1, 2, 16) | a(5, 3, 8), a(4, 3, 8)
Transformer(8, 2, 2, 1, 16, 0.2, "gelu", batch_first=True, norm_first=True, bias=False) | a(3, 5, 8), a(3, 4, 8), tgt_mask=causal(4), src_key_padding_mask=a(3, 5) > 1.5
Transformer(8, 2, 1, 1, 16, layer_norm_eps=0.1, custom_encoder=TransformerEncoder(TransformerEncoderLayer(8, 1, 4), 1), custom_decoder=TransformerDecoder(TransformerDecoderLayer(8, 1, 4), 1)) | a(5, 3, 8), a(4, 3, 8)

L1Loss() | a(3, 4), a(3, 4)
L1Loss(reduction="none") | a(3, 4), a(3, 4)
MSELoss() | a(3, 4), a(3, 4)
MSELoss(reduction="sum") | a(3, 4), a(3, 4)
SmoothL1Loss(reduction="sum", beta=0.3) | a(3, 4), a(3, 4)
HuberLoss("none", 0.3) | a(3, 4), a(3, 4)
BCELoss() | a(3, 4).sigmoid(), u(3, 4)
BCELoss(u(3, 4), reduction="none") | a(3, 4).sigmoid(), u(3, 4)
BCEWithLogitsLoss(u(4), reduction="sum", pos_weight=u(4)) | a(3, 4), u(3, 4)
CrossEntropyLoss() | a(3, 4), n(4, 3)
CrossEntropyLoss(u(4), ignore_index=1, reduction="sum", label_smoothing=0.2) | a(5, 4, 3), n(4, 5, 3)
CrossEntropyLoss(reduction="none", label_smoothing=0.2) | a(3, 4), u(3, 4)
NLLLoss(u(4), ignore_index=1, reduction="sum") | a(5, 4), n(4, 5)
NLLLoss2d(u(4), ignore_index=1, reduction="none") | a(2, 4, 3, 5), n(4, 2, 3, 5)
KLDivLoss(reduction="batchmean") | a(3, 4), u(3, 4)
KLDivLoss(reduction="sum", log_target=True) | a(3, 4), a(3, 4)
PoissonNLLLoss(full=True, reduction="none") | a(3, 4), u(3, 4) * 5
PoissonNLLLoss(log_input=False, eps=0.1) | a(3, 4).exp(), u(3, 4)
GaussianNLLLoss(full=True, eps=0.1, reduction="sum") | a(3, 4), a(3, 4), a(3, 4).exp()
CTCLoss() | a(6, 2, 4).log_softmax(2), i([[1, 2, 2], [3, 1, 1]]), (6, 4), (3, 2)
CTCLoss(3, "none", zero_infinity=True) | a(6, 2, 4).log_softmax(2), i([[1, 2, 2], [0, 1, 1]]), i([2, 4]), i([3, 2])
CosineEmbeddingLoss(0.2, reduction="sum") | a(3, 4), a(3, 4), i([1, -1, -1])
HingeEmbeddingLoss(0.5, reduction="none") | a(3, 4), a(3, 4).detach().sign()
MarginRankingLoss(0.2, reduction="sum") | a(3), a(3), i([1, -1, -1])
MultiLabelMarginLoss(reduction="sum") | a(2, 4), i([[3, 0, -1, 1], [1, -1, 0, 0]])
MultiLabelSoftMarginLoss(u(4), reduction="none") | a(3, 4), n(2, 3, 4)
MultiMarginLoss(2, 0.5, u(4), reduction="sum") | a(3, 4), n(4, 3)
SoftMarginLoss(reduction="none") | a(3, 4), a(3, 4).detach().sign()
TripletMarginLoss(0.5, 1.0, 0.1, True, reduction="none") | a(3, 4), a(3, 4), a(3, 4)
TripletMarginWithDistanceLoss(distance_function=PairwiseDistance(), margin=2.0, swap=True, reduction="sum") | a(3, 4), a(3, 4), a(3, 4)
AdaptiveLogSoftmaxWithLoss(5, 9, [2, 4], div_value=1.5) | a(4, 5), i([0, 8, 3, 2])
AdaptiveLogSoftmaxWithLoss(5, 5, [4], head_bias=True) | a(4, 5), i([0, 4, 3, 2])
LinearCrossEntropyLoss(5, 4) | a(3, 5), n(4, 3)
LinearCrossEntropyLoss(5, 4, out_features=(2, 3), bias=True, reduction="sum", weight=u(4), ignore_index=1, label_smoothing=0.1) | a(3, 5), n(4, 3, 2, 3)
LinearCrossEntropyLoss(5, 4, bias=True, options=LinearCrossEntropyOptions(batch_chunk_size=2)) | a(3, 5), n(4, 3)
CosineSimilarity() | a(3, 4), a(3, 4)
CosineSimilarity(0, 0.1) | a(3, 4), a(3, 4)
PairwiseDistance() | a(3, 4), a(3, 4)
PairwiseDistance(1, 0.1, True) | a(3, 4), a(3, 4)

Module()
Sequential(Linear(2, 3), ReLU(True), Sequential(Flatten(), LeakyReLU(0.1))) | a(5, 2)
ModuleList([ModuleList([ReLU()] * 2)] * 3 + [Linear(2, 3)])
ModuleDict({"a": Dropout(0.1, True), "b": ModuleDict({"c": Bilinear(1, 2, 3)})})
ParameterList([L.ones(2, 3), L.ones(())])
ParameterDict({"w": L.ones(2), "n": 3})
DataParallel(Linear(3, 4), device_ids=None, output_device=None, dim=1) | a(5, 3)
SyncBatchNorm(4, 0.1, 0.2, False, False, bias=False)
SyncBatchNorm(4)
"""


def rows() -> list[tuple[str, str]]:
    """(how it is made, what it is called with), for each row."""
    found = (line.partition(" | ") for line in ROWS.splitlines() if line)
    return [(made, call) for made, _, call in found]
