"""The random kernels against numbers that PyTorch 2.13 gave once, and against published test vectors.

Long results are compared by a hash of their bytes: one wrong bit shows.
"""

from __future__ import annotations

import hashlib
import threading

import numpy as np
import pytest

from numbatorch_kernels import parallel
from numbatorch_kernels import random as kernels
from numbatorch_kernels.mersenne import MersenneTwister
from numbatorch_kernels.philox import Philox, philox

LONG = 100_003  # several chunks, and a rest
STORAGE = {"bfloat16": np.uint16}
FLOATS = ("float32", "float64", "float16", "bfloat16")


def digest(array: np.ndarray) -> str:
    return hashlib.blake2b(array.tobytes(), digest_size=8).hexdigest()


def drawn(kernel, n: int, dtype: str, seed: int, *args) -> tuple[np.ndarray, MersenneTwister]:
    """`n` elements by a CPU kernel from a new generator, and that generator."""
    state, out = MersenneTwister(seed), np.empty(n, STORAGE.get(dtype, dtype))
    kernel("cpu", out, state, *args)
    return out, state


def values(array: np.ndarray, dtype: str) -> np.ndarray:
    """The elements as float64."""
    if dtype == "bfloat16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float64)


# --- the CPU's generator


def test_the_stream_is_the_published_one():
    """The 10000th number from seed 5489, by the C++ standard."""
    draws = np.empty(10_000, np.uint32)
    MersenneTwister(5489).draw(draws, 10_000)
    assert draws[-1] == 4123659995


@pytest.mark.parametrize(
    ("seed", "fresh", "after", "first"),
    [
        (0, "bf5f38c4b304727f", "929c4dc41db53024", [0.49625658988952637, 0.7682217955589294]),
        (1, "eb769af3747e22b7", "99e71561da0257e3", [0.7576315999031067, 0.2793108820915222]),
        (2**32 + 7, "b7a1a68fce70f7a7", "e50d2d489e96dc85", [0.5349225401878357, 0.19880318641662598]),
        (2**64 - 1, "28a4e9d35f289b35", "d3532b4cddd7b47a", [0.9937993884086609, 0.5713063478469849]),
    ],
)
def test_states_have_the_bytes_of_pytorch(seed, fresh, after, first):
    state = MersenneTwister(seed)
    assert digest(state.get_state()) == fresh
    out = np.empty(3, np.float32)
    kernels.uniform("cpu", out, state, 0.0, 1.0)
    assert out[:2].tolist() == first
    assert digest(state.get_state()) == after


def test_a_restored_state_goes_on_with_the_kept_normal_number():
    state = MersenneTwister(5)
    first, second = np.empty(3, np.float32), np.empty(4, np.float64)
    kernels.normal("cpu", first, state, 0.0, 1.0)
    copy = MersenneTwister(0)
    copy.set_state(state.get_state())
    assert copy.initial_seed == 5
    kernels.normal("cpu", second, state, 0.0, 1.0)
    other = np.empty(4, np.float64)
    kernels.normal("cpu", other, copy, 0.0, 1.0)
    assert np.array_equal(second, other)
    assert np.array_equal(state.get_state(), copy.get_state())


@pytest.mark.parametrize("bad", [np.zeros(5, np.uint8), np.zeros(5056, np.uint8)])
def test_what_is_no_state_is_refused(bad):
    with pytest.raises(RuntimeError, match=r"CPUGeneratorImplState of size 5056|Invalid mt19937"):
        MersenneTwister(0).set_state(bad)


@pytest.mark.parametrize("counts", [(1,) * 1300, (623, 1, 1, 624, 51), (100, 524, 625, 51), (1300,)])
def test_how_draws_are_grouped_makes_no_difference(counts):
    state, parts = MersenneTwister(3), []
    for count in counts:
        parts.append(np.empty(count, np.uint32))
        state.draw(parts[-1], count)
    expected = np.empty(1300, np.uint32)
    MersenneTwister(3).draw(expected, 1300)
    assert np.array_equal(np.concatenate(parts), expected)


# --- distributions, as PyTorch has them


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float32", "e819b0b563845280"),
        ("float64", "b6877fe75b4618be"),
        ("float16", "951ccf9054fa2524"),
        ("bfloat16", "790cd1d17ac81f2f"),
    ],
)
def test_uniform(dtype, expected):
    assert digest(drawn(kernels.uniform, LONG, dtype, 2**31 - 1, -1.0, 2.0)[0]) == expected


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_keeps_off_its_upper_bound(dtype):
    """0.3 is no float: rounded numbers reach what `high` is rounded to, which PyTorch replaces by `low`."""
    out, _ = drawn(kernels.uniform, 20_000, dtype, 1, 0.1, 0.3)
    low, high = (kernels.word(x, out.dtype) for x in (0.1, 0.3))
    words = out.view(f"u{out.itemsize}")
    assert not (words == high).any()
    assert (words >= low).all()


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float32", "64714b9c10153a72"), ("float16", "a5cd624d80745b93"), ("bfloat16", "7bf902973ebf0320")],
)
def test_normal(dtype, expected):
    assert digest(drawn(kernels.normal, LONG, dtype, 2**31 - 1, 1.0, 2.0)[0]) == expected


def test_normal_of_float64():
    """Up to rounding: the C library's functions are not the same everywhere."""
    out, _ = drawn(kernels.normal, LONG, "float64", 2**31 - 1, 1.0, 2.0)
    np.testing.assert_allclose(out[:2], [-0.8410155374933177, -0.64765567631596], 1e-14)
    np.testing.assert_allclose(out[-2:], [0.21259883288620063, 1.5136931397589415], 1e-14)


def test_fewer_than_16_normal_numbers_come_in_pairs_across_calls():
    state = MersenneTwister(5)
    five, four = np.empty(5, np.float32), np.empty(4, np.float64)
    kernels.normal("cpu", five, state, 0.0, 1.0)
    kernels.normal("cpu", four, state, 0.0, 1.0)
    expected = [-0.48678076267, -0.60382157564, -0.55809623003, 0.66752427816, -0.19741509854]
    np.testing.assert_allclose(five, expected, 1e-6)
    expected = [1.9427835329161933, -1.4017020125953694, -0.7625571360284942, 0.631213407129647]
    np.testing.assert_allclose(four, expected, 1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
def test_exponential(dtype):
    out, _ = drawn(kernels.exponential, LONG, dtype, 2**31 - 1, 2.0)
    last = [0.1808025779867894, 0.028246862074630574, 0.008094749061569328]
    tolerance = {"float64": 1e-14, "float32": 1e-7, "float16": 1e-3, "bfloat16": 1e-2}[dtype]
    np.testing.assert_allclose(values(out, dtype)[-3:], last, tolerance)


ALL = {  # size of random_(), whether it takes two draws; hashes of random_(), random_(0, 2), bernoulli_(0.3)
    "int64": (2**63, True, "fc6911827faf6745", "2a036128f7e6d256", "0aa9a854e26f0a69"),
    "int32": (2**31, False, "3fec3d1b87cb4c5d", "b9868a06d4b2de34", "e6aee6f2cebe16bd"),
    "int16": (2**15, False, "33a72fff438d3466", "c7ecfdd4d35c2c1d", "375f5e95a94798c0"),
    "int8": (2**7, False, "19ce6f0cd59ecf5d", "aa45a9fa99c12f17", "fa742188d84cc7a4"),
    "uint8": (2**8, False, "6fd80dc6a66b39de", "aa45a9fa99c12f17", "fa742188d84cc7a4"),
    "bool": (2, False, "aa45a9fa99c12f17", "aa45a9fa99c12f17", "fa742188d84cc7a4"),
    "float32": (2**24 + 1, False, "5839e77aed940f0e", "7a0a3c288ca40ac7", "af93ad8ab6a87c65"),
    "float64": (2**53 + 1, True, "41d43019525eb6ef", "9435284f1fc3a24d", "34d1c1fd16a14a56"),
    "float16": (2**11 + 1, False, "4f4ca54d0e5c7d99", "da4f36a2dc79024e", "4f213dcaafa36c48"),
    "bfloat16": (2**8 + 1, False, "9cff5fdff2f192c9", "8011a50b1ea9c845", "4a3b77afe71a78ba"),
}


@pytest.mark.parametrize("dtype", ALL)
def test_integers_and_bernoulli(dtype):
    size, wide, whole, two, coin = ALL[dtype]
    assert digest(drawn(kernels.integers, LONG, dtype, 5, 0, size, wide)[0]) == whole
    assert digest(drawn(kernels.integers, LONG, dtype, 5, 0, 2, False)[0]) == two
    assert digest(drawn(kernels.bernoulli, LONG, dtype, 5, 0.3, 1)[0]) == coin


def test_integers_of_a_wide_range():
    assert digest(drawn(kernels.integers, LONG, "int64", 5, -5, 2**40 + 5, True)[0]) == "5fa133f5069a6d05"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 641, 2**16 - 1, 2**16, 2**27 + 1, 2**28 - 1, 2**31, 2**32 - 1])
def test_remainders_are_exact(size):
    """The kernel divides by multiplying; the draws include the largest."""
    some = np.random.default_rng(0).integers(0, 2**32, 2000)
    edges = [(2**32 - 1) // size * size + d for d in (-1, 0, 1)]
    draws = np.concatenate([some, np.arange(50), 2**32 - 1 - np.arange(50), edges]).clip(0, 2**32 - 1)
    draws = draws.astype(np.uint32)
    out = np.empty(draws.size, np.int64)
    entry = kernels.compiled(kernels.integers_32, "u8", "u4", int, int, int, int, int)
    entry(out, draws, size, (2**32 - 1) // size, -3, 0, draws.size)
    assert np.array_equal(out, draws.astype(np.int64) % size - 3)


@pytest.mark.parametrize("p", [0.0, 2**-53, 0.25, 0.1, 1 - 2**-53, 1.0])
def test_bernoulli_compares_exactly(p):
    pairs = np.empty(2 * 3000, np.uint32)
    MersenneTwister(9).draw(pairs, pairs.size)
    high, low = pairs[0::2].astype(np.uint64), pairs[1::2].astype(np.uint64)
    u = (((high << np.uint64(32)) | low) & np.uint64(2**53 - 1)).astype(np.float64) * 2.0**-53
    out, _ = drawn(kernels.bernoulli, 3000, "float32", 9, p, 1)
    assert np.array_equal(out != 0, u < p)


def test_bernoulli_writes_the_number_it_is_given():
    out, _ = drawn(kernels.bernoulli, 100, "float64", 0, 0.7, 1 / 0.7)
    assert set(out.tolist()) == {0.0, 1 / 0.7}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bernoulli_of_a_probability_for_each_element(dtype):
    p = np.repeat(np.array([0.0, 1.0, 0.25], dtype), 20_000)
    out, _ = drawn(kernels.bernoulli_each, p.size, "int8", 3, p)
    never, always, sometimes = out.reshape(3, -1)
    assert not never.any()
    assert always.all()
    assert abs(sometimes.mean() - 0.25) < 0.02


def test_permutation():
    out, _ = drawn(kernels.permutation, 70_001, "int64", 5)
    assert digest(out) == "847cfd1dba99182a"
    assert np.array_equal(np.sort(out), np.arange(70_001))


def test_steps_of_a_long_permutation():
    """Arrays of 214 million and more are shuffled another way, here on a short one."""
    n, order, pairs = 40, np.arange(40, dtype=np.uint64), np.empty(80, np.uint32)
    MersenneTwister(2).draw(pairs, 80)
    kernels.compiled(kernels.shuffle_64, "u8", "u8", int, int, int)(order, pairs, n, 0, n)
    expected = list(range(n))
    for i in range(n):
        j = ((int(pairs[2 * i]) << 32) | int(pairs[2 * i + 1])) % (i + 1)
        expected[i], expected[j] = expected[j], expected[i]
    assert order.tolist() == expected


def test_multinomial():
    weights, state = np.array([[1.0, 2.0, 3.0, 4.0]], np.float32), MersenneTwister(0)
    found = []
    for samples, replacement in ((8, True), (3, False), (1, False)):
        out = np.empty((1, samples), np.int64)
        kernels.multinomial(out, state, weights, replacement)
        found.append(out[0].tolist())
    assert found == [[3, 3, 2, 3, 3, 3, 1, 2], [3, 1, 2], [3]]


def test_the_number_of_threads_makes_no_difference():
    threads, results = parallel.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            parallel.set_num_threads(count)
            results.append([digest(drawn(k, LONG, d, 1, *a)[0]) for k, d, a in (
                (kernels.normal, "float32", (0.0, 1.0)),
                (kernels.normal, "float64", (0.0, 1.0)),
                (kernels.exponential, "float32", (1.0,)),
            )])  # fmt: skip
    finally:
        parallel.set_num_threads(threads)
    assert results[0] == results[1] == results[2]


def test_generators_in_threads_do_not_disturb_each_other():
    expected = digest(drawn(kernels.normal, LONG, "float32", 4, 0.0, 1.0)[0])
    found: list[str] = []
    run = lambda: found.append(digest(drawn(kernels.normal, LONG, "float32", 4, 0.0, 1.0)[0]))  # noqa: E731
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


# --- Philox


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0,) * 4, (0,) * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_known_answers(counter, key, expected):
    """The vectors of the Random123 library, by Python and compiled."""
    from numba import njit

    for function in (philox, njit(philox)):
        assert " ".join(f"{int(x):08x}" for x in function(*counter, *key)) == expected


def on_cuda(kernel, n: int, dtype: str, state: Philox, *args) -> np.ndarray:
    from numbatorch_kernels.cuda import DeviceArray

    out = DeviceArray.empty((n,), dtype)
    kernel("cuda", out, state, *args)
    return out.copy_to_host()


def expected_draws(state: Philox, groups: int) -> np.ndarray:
    """What the next call will draw."""
    words = [part for x in (state.offset, state.initial_seed) for part in (x & 0xFFFFFFFF, x >> 32)]
    return np.array([philox(group, 0, *words) for group in range(groups)], np.uint32)


@pytest.mark.parametrize("n", [1, 3, 4, 37])
def test_cuda_uniform_depends_on_seed_call_and_place_alone(n):
    state = Philox(2**63 + 5)
    state.offset = 2**33
    draws = expected_draws(state, 10).reshape(-1)[:n]
    out = on_cuda(kernels.uniform, n, "float32", state, 0.0, 1.0)
    assert np.array_equal(out, (draws & 0xFFFFFF) * np.float32(2**-24))
    draws = expected_draws(state, 20).astype(np.uint64).reshape(-1, 2)[:n]
    out = on_cuda(kernels.uniform, n, "float64", state, 0.0, 1.0)
    assert np.array_equal(out, (((draws[:, 0] << 32) | draws[:, 1]) & np.uint64(2**53 - 1)) * 2.0**-53)
    assert state.offset == 2**33 + 8


def test_cuda_distributions_have_their_moments():
    state, n = Philox(1), 1000
    for dtype in ("float32", "float64"):
        x = on_cuda(kernels.normal, n, dtype, state, 3.0, 2.0)
        assert abs(x.mean() - 3) < 0.3
        assert abs(x.std() - 2) < 0.2
        x = on_cuda(kernels.uniform, n, dtype, state, -1.0, 3.0)
        assert x.min() >= -1
        assert x.max() < 3
        assert abs(x.mean() - 1) < 0.2
    for dtype in ("int64", "int32", "int8", "uint8", "float32"):
        x = on_cuda(kernels.integers, n, dtype, state, 3, 5, False)
        assert set(x.tolist()) == {3, 4, 5, 6, 7}
    x = on_cuda(kernels.integers, n, "int64", state, 0, 2**64, True)
    assert 0.4 < (x < 0).mean() < 0.6
    assert 0.4 < (np.abs(x.astype(np.float64)) > 2.0**62).mean() < 0.6
    for dtype in ("bool", "float16", "float64", "uint16"):
        x = on_cuda(kernels.bernoulli, n, dtype, state, 0.3, 1)
        assert set(x.view(f"u{x.itemsize}").tolist()) == {0, kernels.word(1, x.dtype)}
        assert 0.2 < (x != 0).mean() < 0.4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cuda_bernoulli_of_a_probability_for_each_element(dtype):
    from numbatorch_kernels.cuda import DeviceArray

    p = DeviceArray.from_host(np.array([0, 1] * 50 + [0.5] * 100, dtype))
    x = on_cuda(kernels.bernoulli_each, 200, "int32", Philox(3), p)
    assert x[:100].tolist() == [0, 1] * 50
    assert 25 < x[100:].sum() < 75


def test_cuda_permutation():
    state = Philox(3)
    first, second = (on_cuda(kernels.permutation, 100, "int32", state) for _ in range(2))
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(100))
    assert first.tolist() != second.tolist()


def test_philox_states():
    state = Philox(2**64 - 3)
    state.take()
    copy = Philox(0)
    copy.set_state(state.get_state())
    assert copy.take() == state.take() == (-3, 4)
    with pytest.raises(RuntimeError, match="wrong size"):
        copy.set_state(np.zeros(5, np.uint8))
    with pytest.raises(RuntimeError, match="multiple of 4"):
        copy.set_state(np.array([1, 2], np.uint64).view(np.uint8))
