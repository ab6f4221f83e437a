"""`torch.profiler`: where the time of a program goes, by operation.

While a profiler records, the doors that operations go through (`__call__` of their rows, `backward` of their
nodes) are replaced by ones with a clock; otherwise nothing of this is in the way. Recorded are the rows
(`aten::add`), the steps of the backward pass (`AddBackward0`) and blocks of `record_function`. A public
function that is composed of others shows as its parts. Times are of the CPU: of an operation on CUDA, what it
takes to launch it.
"""

from numbatorch.profiler.averages import EventList as EventList
from numbatorch.profiler.averages import FunctionEventAvg as FunctionEventAvg
from numbatorch.profiler.profile import ProfilerAction as ProfilerAction
from numbatorch.profiler.profile import ProfilerActivity as ProfilerActivity
from numbatorch.profiler.profile import profile as profile
from numbatorch.profiler.profile import schedule as schedule
from numbatorch.profiler.profile import supported_activities as supported_activities
from numbatorch.profiler.profile import tensorboard_trace_handler as tensorboard_trace_handler
from numbatorch.profiler.record import FunctionEvent as FunctionEvent
from numbatorch.profiler.record import record_function as record_function
