"""The same seed, model and data: 50 steps of training give the same losses as PyTorch."""

import pytest

torch = pytest.importorskip("torch")

import numbatorch


def losses(t, make_optimizer) -> list[float]:
    """A classifier of made-up data, trained from seed 0."""
    t.manual_seed(0)
    data = t.randn(256, 20)
    labels = t.randint(0, 5, (256,))
    model = t.nn.Sequential(
        t.nn.Linear(20, 64),
        t.nn.ReLU(),
        t.nn.Dropout(0.2),
        t.nn.Linear(64, 32),
        t.nn.Tanh(),
        t.nn.Linear(32, 5),
    )
    optimizer = make_optimizer(t, model)
    loader = t.utils.data.DataLoader(t.utils.data.TensorDataset(data, labels), batch_size=32, shuffle=True)
    found: list[float] = []
    while len(found) < 50:
        for x, y in loader:
            optimizer.zero_grad()
            loss = t.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            found.append(loss.item())
    return found[:50]


@pytest.mark.parametrize("make", [
    lambda t, m: t.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    lambda t, m: t.optim.Adam(m.parameters(), lr=1e-3),
    lambda t, m: t.optim.AdamW(m.parameters(), lr=1e-3, weight_decay=0.1),
], ids=["SGD", "Adam", "AdamW"])  # fmt: skip
def test_fifty_steps(make):
    ours, theirs = losses(numbatorch, make), losses(torch, make)
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert ours[-1] < ours[0]
