"""The CUDA devices: how many there are, their memory, streams, graphs and random numbers. With NUMBA_ENABLE_CUDASIM=1 the
simulator is one."""

import numbatorch.dtype as dt
from numbatorch.cuda.devices import (
    can_device_access_peer,
    current_device,
    device,
    device_count,
    device_of,
    get_arch_list,
    get_device_capability,
    get_device_name,
    get_device_properties,
    get_gencode_flags,
    init,
    ipc_collect,
    is_available,
    is_bf16_supported,
    is_initialized,
    is_simulated,
    set_device,
    synchronize,
)
from numbatorch.cuda.graphs import (
    CUDAGraph,
    graph,
    graph_pool_handle,
    is_current_stream_capturing,
    make_graphed_callables,
)
from numbatorch.cuda.memory import (
    device_memory_used,
    empty_cache,
    get_allocator_backend,
    get_per_process_memory_fraction,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_stats,
    memory_stats_as_nested_dict,
    memory_summary,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
)
from numbatorch.cuda.random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)
from numbatorch.cuda.streams import (
    Event,
    ExternalStream,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    get_stream_from_external,
    set_stream,
    stream,
)
from numbatorch.legacy import TensorType
from numbatorch_kernels.cuda.errors import AcceleratorError, OutOfMemoryError

FloatTensor = TensorType(dt.float32, "cuda")
DoubleTensor = TensorType(dt.float64, "cuda")
HalfTensor = TensorType(dt.float16, "cuda")
BFloat16Tensor = TensorType(dt.bfloat16, "cuda")
LongTensor = TensorType(dt.int64, "cuda")
IntTensor = TensorType(dt.int32, "cuda")
ShortTensor = TensorType(dt.int16, "cuda")
CharTensor = TensorType(dt.int8, "cuda")
ByteTensor = TensorType(dt.uint8, "cuda")
BoolTensor = TensorType(dt.bool, "cuda")
