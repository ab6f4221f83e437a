"""A kernel call shared by several threads, in native code: nobody needs the GIL, and handing over costs 1 us.

The team meets at a board, a few words of memory. The caller writes the job there and opens it; whoever sees an
open job joins, takes pieces of its range until none is left, and leaves. When the caller finds no more pieces
it closes the job and waits for those who are still at theirs. Who comes late, because the machine has other
things to do, finds the job closed: nobody waits for a thread that has not begun.
"""

from __future__ import annotations

from numba import types

from numbatorch_kernels import python
from numbatorch_kernels.call import COUNT, ENTRY, SLOTS, fill, outcome
from numbatorch_kernels.callee import callee
from numbatorch_kernels.local import local
from numbatorch_kernels.machine import add, address_of, call, exchange, look, pause, put, words

LINE = 64  # bytes: words that different threads write lie on different cache lines
BOARD = 4 * LINE // 8  # words
# Places on the board, in bytes: how many have joined, plus OPEN while others may; the start of the next piece;
# the number of the job; and what the job is.
_STATE, _NEXT, _NUMBER, _JOB = 0, LINE, 2 * LINE, 3 * LINE
_ENTRY_POINT, _ARGUMENTS, _USED, _STOP, _STEP, _LIMIT, _FAILED = range(7)  # words from _JOB on
OPEN = 1 << 32


@callee
def _work(board):
    """Take pieces of the job until none is left."""
    job = words(board + _JOB)
    given, used = words(job[_ARGUMENTS]), job[_USED]
    slots = local(types.int64, SLOTS)
    for k in range(used):
        slots[k] = given[k]
    step, stop = job[_STEP], job[_STOP]
    while True:
        start = add(board + _NEXT, step)
        if start >= stop:
            return
        slots[used] = start
        slots[used + 1] = min(start + step, stop)
        if call(job[_ENTRY_POINT], address_of(slots)) != 0:
            put(board + _JOB + 8 * _FAILED, 1)


@callee
def _join(board):
    """Join the job if it is open and has room; whether it did."""
    limit = OPEN + words(board + _JOB)[_LIMIT]
    state = look(board + _STATE)
    while OPEN <= state < limit:
        if exchange(board + _STATE, state, state + 1):
            return True
        state = look(board + _STATE)
    return False


def serve(board, number, looks):
    """Join every job from now on, until none has come for so many looks at the board; the last job's number."""
    left = looks
    while left > 0:
        if look(board + _NUMBER) == number:
            pause()
            left -= 1
            continue
        number = look(board + _NUMBER)
        if _join(board):
            _work(board)
            add(board + _STATE, -1)
        left = looks
    return number


def share(_, arguments, count):
    """share(board, entry, limit, n, step, *args): the team calls entry(*args, start, start + step) from 0 to n;
    at most `limit` threads join the caller. A METH_FASTCALL function of CPython."""
    items = words(arguments)
    board = words(items[0])[python.ARRAY_DATA]
    owner = python.builtin_self(items[1])
    self = python.bytes_data(owner) if owner != 0 else 0
    if self == 0:  # not a kernel: Python has its error already
        return 0
    limit, stop, step = python.integer(items[2]), python.integer(items[3]), python.integer(items[4])
    if count - 5 != words(self)[COUNT] - 2:
        python.bad_argument()
        return 0
    slots = local(types.int64, SLOTS)
    used = fill(slots, self, words(arguments + 8 * 5), count - 5)
    if python.error() != 0:
        return 0
    state = python.release_gil()
    job = words(board + _JOB)
    job[_ENTRY_POINT], job[_ARGUMENTS], job[_USED] = words(self)[ENTRY], address_of(slots), used
    job[_LIMIT], job[_STOP], job[_STEP], job[_FAILED] = limit, stop, step, 0
    put(board + _NEXT, 0)
    put(board + _STATE, OPEN)
    add(board + _NUMBER, 1)
    _work(board)
    add(board + _STATE, -OPEN)
    while look(board + _STATE) != 0:
        pause()
    failed = job[_FAILED]
    python.acquire_gil(state)
    return outcome(self, failed)
