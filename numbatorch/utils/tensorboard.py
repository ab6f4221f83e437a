"""`SummaryWriter`: curves, images and texts for TensorBoard, written by tensorboardX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numbatorch.nn import Module
from numbatorch.tensor import Tensor


class SummaryWriter:
    """Writes events that TensorBoard shows, into the folder `log_dir` (runs/<date>_<host>, unless given).

    Needs tensorboardX: ImportError with the remedy where it is missing. The methods take our tensors, NumPy
    arrays and numbers; beyond `add_graph`, they are tensorboardX's.
    """

    def __init__(
        self,
        log_dir: str | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        try:
            import tensorboardX
        except ImportError:
            raise ImportError(
                "SummaryWriter needs tensorboardX: pip install numbatorch[tensorboard]"
            ) from None
        self.writer = tensorboardX.SummaryWriter(
            str(log_dir) if log_dir is not None else None,
            comment=comment,
            purge_step=purge_step,
            max_queue=max_queue,
            flush_secs=flush_secs,
            filename_suffix=filename_suffix,
        )
        self.log_dir = self.writer.logdir

    def _add(self, method: Callable, *args: Any, **kwargs: Any) -> None:
        method(*map(_plain, args), **{name: _plain(value) for name, value in kwargs.items()})

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """A point of the curve `tag`."""
        self._add(self.writer.add_scalar, tag, float(scalar_value), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: Any = None,
    ) -> None:
        """A point of each of several curves in one picture."""
        points = {name: float(value) for name, value in tag_scalar_dict.items()}
        self._add(self.writer.add_scalars, main_tag, points, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How the values are distributed."""
        self._add(self.writer.add_histogram, tag, values, global_step, bins, walltime, max_bins)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """An image: bytes, or floats from 0 to 1."""
        self._add(self.writer.add_image, tag, img_tensor, global_step, walltime, dataformats)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several images in one picture."""
        self._add(self.writer.add_images, tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: Any = None
    ) -> None:
        """A figure of matplotlib."""
        self._add(self.writer.add_figure, tag, figure, global_step, close, walltime)

    def add_video(
        self, tag: str, vid_tensor: Any, global_step: int | None = None, fps: float = 4, walltime: Any = None
    ) -> None:
        """A film (N, T, C, H, W)."""
        self._add(self.writer.add_video, tag, vid_tensor, global_step, fps, walltime)

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: Any = None,
    ) -> None:
        """A sound, from -1 to 1."""
        self._add(self.writer.add_audio, tag, snd_tensor, global_step, sample_rate, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: Any = None
    ) -> None:
        """A text, in Markdown."""
        self._add(self.writer.add_text, tag, text_string, global_step, walltime)

    def add_graph(
        self, model: Module, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """The table of `nn.summary`, as a text: the graphs that TensorBoard draws are traces of PyTorch."""
        from numbatorch.nn import summary

        self.add_text("graph", f"```\n{summary(model, input_to_model)}\n```")

    def add_embedding(
        self,
        mat: Any,
        metadata: Any = None,
        label_img: Any = None,
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: Any = None,
    ) -> None:
        """Points of a space, (N, D), with labels and images."""
        self._add(self.writer.add_embedding, mat, metadata, label_img, global_step, tag, metadata_header)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: Any = None,
    ) -> None:
        """Precision over recall."""
        self._add(
            self.writer.add_pr_curve, tag, labels, predictions, global_step, num_thresholds, weights, walltime
        )

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Hyperparameters, and what came of them."""
        metrics = {name: float(value) for name, value in metric_dict.items()}
        self._add(self.writer.add_hparams, dict(hparam_dict), metrics, run_name, global_step)

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def flush(self) -> None:
        """Write what is waiting."""
        self.writer.flush()

    def close(self) -> None:
        """Write what is waiting, and end."""
        self.writer.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _plain(value: Any) -> Any:
    """Tensors as NumPy arrays, also in lists and dicts."""
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
