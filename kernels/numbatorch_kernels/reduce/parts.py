"""The scalar functions that reductions are made of: bodies like those of pointwise ops, traced and written
out for each device."""

from __future__ import annotations

from numbatorch_kernels.primitives import abs, exp, inf, isnan, log, maximum, minimum, pow, sqrt, where

# --- what becomes of an element


def itself(x):
    """x"""
    return x


def nonzero(x):
    """Whether x is not zero."""
    return x != 0


def number(x):
    """x, and 0 in place of NaN"""
    return where(isnan(x), 0, x)


def is_number(x):
    """Whether x is not NaN."""
    return x == x


def magnitude(x):
    """|x|"""
    return abs(x)


def square(x):
    """|x|²"""
    return abs(x) * abs(x)


def power(x, p):
    """|x|ᵖ"""
    return pow(abs(x), p)


def distance_squared(x, mean):
    """(x - mean)²"""
    return (x - mean) * (x - mean)


def exp_below(x, top):
    """e^(x - top)"""
    return exp(x - top)


def matches(x, wanted):
    """Whether x is the number, or NaN, that is looked for."""
    return (x == wanted) | (x != x)


def product(a, b):
    """a b"""
    return a * b


def first_of(a, b):
    """a"""
    return a


# --- one number from two


def add(a, b):
    """a + b"""
    return a + b


def multiply(a, b):
    """a b"""
    return a * b


# --- one state from two, where a state is several numbers


def merge_moments(n, mean, squares, n1, mean1, squares1):
    """Count, mean and sum of squared distances from it, of two groups as one: Chan, Golub and LeVeque
    1983."""
    total = n + n1
    distance = mean1 - mean
    part = n1 / maximum(total, 1)
    return total, mean + distance * part, squares + squares1 + distance * distance * n * part


def merge_exponentials(top, total, top1, total1):
    """top and total, which stand for total e^top, of two groups as one."""
    new = maximum(top, top1)
    return new, total * exp(top - new) + total1 * exp(top1 - new)


def merge_largest(value, place, value1, place1):
    """The larger of two values with its place; of equal ones, and of NaNs, the earlier."""
    return _merge_extreme(value1 > value, value, place, value1, place1)


def merge_smallest(value, place, value1, place1):
    """The smaller of two values with its place; of equal ones, and of NaNs, the earlier."""
    return _merge_extreme(value1 < value, value, place, value1, place1)


def _merge_extreme(better, value, place, value1, place1):
    better = better | (isnan(value1) & (value == value))
    equal = (value1 == value) | (isnan(value1) & isnan(value))
    return where(better, value1, value), where(better, place1, where(equal, minimum(place, place1), place))


def merge_range(low, high, low1, high1):
    """The smallest and the largest of both."""
    return minimum(low, low1), maximum(high, high1)


# --- results, from the last state, the number of elements, and numbers that the caller gives


def value(x, count):
    """The state is the result."""
    return x


def mean_of(total, count):
    """total / count"""
    return total / count


def of_order(total, count, p):
    """The state is the norm of order p."""
    return total


def root(total, count, p):
    """√total"""
    return sqrt(total)


def root_of_order(total, count, p):
    """total^(1/p)"""
    return pow(total, 1 / p)


def variance(n, mean, squares, count, correction):
    """squares / (n - correction): infinite or NaN where nothing is left to divide by"""
    return squares / maximum(n - correction, 0)


def deviation(n, mean, squares, count, correction):
    """√variance"""
    return sqrt(variance(n, mean, squares, count, correction))


def variance_and_mean(n, mean, squares, count, correction):
    """Both; the mean of nothing is NaN."""
    return variance(n, mean, squares, count, correction), mean * (n / n)


def deviation_and_mean(n, mean, squares, count, correction):
    """Both; the mean of nothing is NaN."""
    return deviation(n, mean, squares, count, correction), mean * (n / n)


def log_of_total(top, total, count):
    """log(total e^top); of an infinite top, that"""
    return where(top == inf, top, top + log(total))


def place_of(value, place, count):
    """Of a value and its place, the place."""
    return place


def pair(a, b, count):
    """Both numbers of the state."""
    return a, b


def sum_inverted(top, total, count):
    """For softmax: the largest element, and 1 / Σ e^(x - largest)"""
    return top, 1 / total


def sum_in_log(top, total, count):
    """For log_softmax: the largest element, and log Σ e^(x - largest)"""
    return top, log(total)


# --- results for each element, from what `finish` gives and the elements


def softmax(top, inverse, x):
    """e^x / Σ e^x"""
    return exp(x - top) * inverse


def scaled(top, inverse, exponential):
    """The same from e^(x - top)"""
    return exponential * inverse


def log_softmax(top, log_total, x):
    """x - log Σ e^x"""
    return x - top - log_total


def softmax_backward(total, g, y):
    """The gradient of softmax from the gradient g of its result y; `total` is Σ g y."""
    return y * (g - total)


def log_softmax_backward(total, g, y):
    """The gradient of log_softmax from the gradient g of its result y; `total` is Σ g."""
    return g - exp(y) * total
