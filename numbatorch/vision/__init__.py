"""Pictures: data sets that come with the package."""

from numbatorch.vision import datasets as datasets
