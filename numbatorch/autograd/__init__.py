"""Differentiation: the tape, the backward pass, and what users call of it."""

from numbatorch.autograd import forward_ad as forward_ad
from numbatorch.autograd import grad_mode as grad_mode
from numbatorch.autograd import graph as graph
from numbatorch.autograd.anomaly import detect_anomaly as detect_anomaly
from numbatorch.autograd.anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from numbatorch.autograd.anomaly import is_anomaly_enabled as is_anomaly_enabled
from numbatorch.autograd.anomaly import set_detect_anomaly as set_detect_anomaly
from numbatorch.autograd.api import backward as backward
from numbatorch.autograd.api import grad as grad
from numbatorch.autograd.function import Function as Function
from numbatorch.autograd.gradcheck import GradcheckError as GradcheckError
from numbatorch.autograd.gradcheck import gradcheck as gradcheck
from numbatorch.autograd.gradcheck import gradgradcheck as gradgradcheck
from numbatorch.autograd.mode import enable_grad as enable_grad
from numbatorch.autograd.mode import inference_mode as inference_mode
from numbatorch.autograd.mode import is_grad_enabled as is_grad_enabled
from numbatorch.autograd.mode import is_inference_mode_enabled as is_inference_mode_enabled
from numbatorch.autograd.mode import no_grad as no_grad
from numbatorch.autograd.mode import set_grad_enabled as set_grad_enabled
from numbatorch.autograd.mode import set_multithreading_enabled as set_multithreading_enabled
from numbatorch.autograd.variable import Variable as Variable
