"""Parametrizations ready for use: weights that are orthogonal, of given length, of spectral norm 1."""

from __future__ import annotations

from typing import Any

from numbatorch import linalg, ops
from numbatorch.autograd import no_grad
from numbatorch.dtype import finfo
from numbatorch.nn.module import Module
from numbatorch.nn.utils.parametrize import register_parametrization
from numbatorch.nn.utils.spectral_norm import as_matrix, rows_of
from numbatorch.nn.utils.weight_norm import norm_except_dim
from numbatorch.tensor import Tensor


def _named(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# ---- orthogonal ----


def _is_orthogonal(q: Tensor) -> bool:
    rows, columns = q.shape[-2:]
    identity = ops.eye(columns, dtype=q.dtype, device=q.device)
    return ops.allclose(q.mH @ q, identity, atol=10.0 * rows * finfo(q.dtype).eps)


def _made_orthogonal(a: Tensor) -> Tensor:
    """An orthogonal matrix that spans what the columns of `a` do."""
    x, tau = ops.geqrf(a)
    return linalg.householder_product(x, tau) * x.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.size(-2) < x.size(-1)
        if wide:
            x = x.mT
        rows, columns = x.shape[-2:]
        if self.orthogonal_map == "householder":
            vectors = x.tril(-1)
            tau = 2.0 / (1.0 + (vectors * vectors).sum(-2))
            q = linalg.householder_product(vectors, tau)
            q = q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)  # the signs of the columns
        else:
            x = x.tril()
            if rows != columns:
                zeros = x.new_zeros(rows, rows - columns).expand(*x.shape[:-2], -1, -1)
                x = ops.cat([x, zeros], -1)
            skew = x - x.mH
            if self.orthogonal_map == "matrix_exp":
                q = ops.matrix_exp(skew)
            else:
                identity = ops.eye(rows, dtype=skew.dtype, device=skew.device)
                q = linalg.solve(identity - skew / 2, identity + skew / 2)
            if rows != columns:
                q = q[..., :columns]
        if hasattr(self, "base") and self.base is not None:
            q = self.base @ q
        return q.mT if wide else q

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        given, wide = q, q.size(-2) < q.size(-1)
        if wide:
            q = q.mT
        rows, columns = q.shape[-2:]
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            a, tau = ops.geqrf(q)
            signs = a.diagonal(dim1=-2, dim2=-1)
            signs.sign_()
            signs.mul_(ops.where(tau == 0.0, -1, 1))
            return a.mT if wide else a
        if rows == columns:
            q = q.clone() if _is_orthogonal(q) else _made_orthogonal(q)
        else:
            drawn = ops.randn(*q.shape[:-2], rows, rows - columns, dtype=q.dtype, device=q.device)
            q = _made_orthogonal(ops.cat([q, drawn], -1))
        self.base = q
        start = ops.zeros_like(given, requires_grad=False)  # minus the identity: its diagonal gives the signs
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return start


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Make the parameter `name`, a matrix or a batch of them, orthogonal: its columns (or rows, if they are fewer)
    have length 1 and right angles between them.

    orthogonal_map      "matrix_exp" (for square ones), "cayley", "householder" (for others)
    use_trivialization  start from the parameter itself, made orthogonal, and keep it as a buffer `base`
                        (M. Lezcano-Casado, arXiv:1909.09501)

    >>> w = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)).weight
    >>> torch.allclose(w.T @ w, torch.eye(3), atol=1e-5)
    True
    """
    weight = _named(module, name)
    if weight.dim() < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions."
        )
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: ' + orthogonal_map
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


# ---- length and direction ----


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Make the parameter `name` g v / |v|: `original0` is g, a length for each index of dimension `dim` (or one in
    all, for None), `original1` is v.

    State dicts of the older form are understood. T. Salimans and D. P. Kingma, arXiv:1602.07868.

    >>> sorted(nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def understand(state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        olds = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in olds):
            for k, old in enumerate(olds):
                state_dict[f"{prefix}parametrizations.{name}.original{k}"] = state_dict.pop(old)

    module._register_load_state_dict_pre_hook(understand)
    return module


# ---- spectral norm ----


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        dims = weight.dim()
        if not -dims <= dim < dims:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{dims}, {dims - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % dims
        self.eps = eps
        if dims > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            u, v = (matrix.new_empty(size).normal_(0, 1) for size in matrix.shape)
            self.register_buffer("_u", ops.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", ops.normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    @no_grad()
    def _power_method(self, matrix: Tensor, steps: int) -> None:
        """Bring u and v nearer to the singular vectors of the largest singular value."""
        for _ in range(steps):
            ops.normalize(ops.mv(matrix, self._v), dim=0, eps=self.eps, out=self._u)
            ops.normalize(ops.mv(matrix.mH, self._u), dim=0, eps=self.eps, out=self._v)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return ops.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the tape keeps these, whatever the next call does
        return weight / ops.vdot(u, ops.mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide the parameter `name`, as a matrix with a row for each index of `dim` (the outputs), by its largest
    singular value, which power iteration estimates: 15 steps now and `n_power_iterations` with each use in
    training.

    T. Miyato et al., arXiv:1802.05957.
    """
    weight = _named(module, name)
    made = _SpectralNorm(weight, n_power_iterations, rows_of(module, dim), eps)
    return register_parametrization(module, name, made)
