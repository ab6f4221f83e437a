"""Pooling and resizing, more of them: forward, and with gradients."""

from benchmarks.case import Group, both_ways


def of(name, shape, *args, **options):
    """A function of `nn.functional` on a tensor of this shape."""

    def make(torch):
        function = getattr(torch.nn.functional, name)
        return lambda x: function(x, *args, **options), [shape]

    words = [*map(str, args), *(str(value) for value in options.values())]
    return both_ways(f"{name} {', '.join(words)}, {'x'.join(map(str, shape))}", make)


RESAMPLING = Group(
    "resampling",
    "pooling and resizing, more of them",
    [
        *of("max_pool2d", (8, 64, 112, 112), 3, 2, 1),
        *of("max_pool2d", (32, 64, 32, 32), 3, 1, 1),
        *of("max_pool1d", (32, 64, 1024), 2),
        *of("max_pool3d", (2, 16, 16, 32, 32), 2),
        *of("avg_pool2d", (16, 64, 56, 56), 3, 2, 1),
        *of("avg_pool1d", (32, 64, 1024), 3),
        *of("avg_pool3d", (2, 16, 16, 32, 32), 2),
        *of("adaptive_avg_pool2d", (32, 256, 14, 14), 7),
        *of("adaptive_max_pool2d", (32, 64, 30, 30), 7),
        *of("interpolate", (16, 64, 28, 28), scale_factor=2),
        *of("interpolate", (16, 64, 28, 28), scale_factor=2, mode="bilinear"),
        *of("interpolate", (4, 3, 256, 256), (224, 224), mode="bilinear", antialias=True),
        *of("interpolate", (4, 3, 224, 224), scale_factor=2, mode="bicubic"),
    ],
    mean=1.0,
    worst=1.5,
)
