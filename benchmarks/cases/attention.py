"""Attention over growing lengths, with as many batches and heads as make 1M elements of queries."""

from benchmarks.case import Case, Group

HEAD, ELEMENTS = 64, 1 << 20


def of(length, causal, backward):
    """Scaled dot product attention, or it and its three gradients."""
    heads = min(8, ELEMENTS // (length * HEAD))
    shape = (ELEMENTS // (length * HEAD * heads), heads, length, HEAD)

    def program(torch):
        q, k, v = (torch.randn(*shape, requires_grad=backward) for _ in range(3))
        g, function = torch.ones(*shape), torch.nn.functional.scaled_dot_product_attention
        if not backward:
            return lambda: function(q, k, v, is_causal=causal)
        return lambda: torch.autograd.grad(function(q, k, v, is_causal=causal), (q, k, v), g)

    name = f"{length}{', causal' * causal}{', and backward' * backward}"
    return Case(name, program, flops=ELEMENTS * length * 2.0 * (2 + 5 * backward) / (1 + causal))


ATTENTION = Group(
    "attention",
    "attention, by length",
    [
        of(length, causal, backward)
        for length in (128, 256, 512, 1024, 2048)
        for causal in (False, True)
        for backward in (False, True)
    ],
    mean=0.9,
    worst=1.3,
)
