"""Integer division as index arithmetic needs it."""

from __future__ import annotations

from numbatorch_kernels.cuda import compat

if compat.SIMULATED:
    split = divmod
else:
    types = compat.types

    @compat.extending.intrinsic
    def split(typingctx, number, size):
        """number // size and number % size, neither negative. (Python's own also cares for signs.)"""

        def codegen(context, builder, signature, args):
            quotient = builder.udiv(*args)
            rest = builder.sub(args[0], builder.mul(quotient, args[1]))
            return context.make_tuple(builder, signature.return_type, (quotient, rest))

        return types.UniTuple(types.int64, 2)(types.int64, types.int64), codegen


@compat.device_function
def place_of(number, d, h, w):
    """Of volumes d x h x w, one behind the other, the volume in which an element is, and where."""
    rest, c = split(number, w)
    rest, b = split(rest, h)
    volume, a = split(rest, d)
    return volume, a, b, c
