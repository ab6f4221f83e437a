"""Datasets, the order of their samples, and batches."""

from numbatorch.utils.data import _utils as _utils
from numbatorch.utils.data import distributed as distributed
from numbatorch.utils.data.dataloader import DataLoader as DataLoader
from numbatorch.utils.data.dataloader import default_collate as default_collate
from numbatorch.utils.data.dataloader import default_convert as default_convert
from numbatorch.utils.data.dataloader import get_worker_info as get_worker_info
from numbatorch.utils.data.dataset import ChainDataset as ChainDataset
from numbatorch.utils.data.dataset import ConcatDataset as ConcatDataset
from numbatorch.utils.data.dataset import Dataset as Dataset
from numbatorch.utils.data.dataset import IterableDataset as IterableDataset
from numbatorch.utils.data.dataset import StackDataset as StackDataset
from numbatorch.utils.data.dataset import Subset as Subset
from numbatorch.utils.data.dataset import TensorDataset as TensorDataset
from numbatorch.utils.data.dataset import random_split as random_split
from numbatorch.utils.data.distributed import DistributedSampler as DistributedSampler
from numbatorch.utils.data.sampler import BatchSampler as BatchSampler
from numbatorch.utils.data.sampler import RandomSampler as RandomSampler
from numbatorch.utils.data.sampler import Sampler as Sampler
from numbatorch.utils.data.sampler import SequentialSampler as SequentialSampler
from numbatorch.utils.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from numbatorch.utils.data.sampler import WeightedRandomSampler as WeightedRandomSampler
