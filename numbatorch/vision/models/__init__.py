"""Models of images, with torchvision's names, parameters and initial values."""

from numbatorch.vision.models.alexnet import AlexNet as AlexNet
from numbatorch.vision.models.alexnet import alexnet as alexnet
from numbatorch.vision.models.resnet import ResNet as ResNet
from numbatorch.vision.models.resnet import resnet18 as resnet18
from numbatorch.vision.models.resnet import resnet34 as resnet34
from numbatorch.vision.models.resnet import resnet50 as resnet50
from numbatorch.vision.models.resnet import resnet101 as resnet101
from numbatorch.vision.models.resnet import resnet152 as resnet152
from numbatorch.vision.models.small import MLP as MLP
from numbatorch.vision.models.small import LeNet as LeNet
from numbatorch.vision.models.vgg import VGG as VGG
from numbatorch.vision.models.vgg import vgg11 as vgg11
from numbatorch.vision.models.vgg import vgg11_bn as vgg11_bn
from numbatorch.vision.models.vgg import vgg13 as vgg13
from numbatorch.vision.models.vgg import vgg13_bn as vgg13_bn
from numbatorch.vision.models.vgg import vgg16 as vgg16
from numbatorch.vision.models.vgg import vgg16_bn as vgg16_bn
from numbatorch.vision.models.vgg import vgg19 as vgg19
from numbatorch.vision.models.vgg import vgg19_bn as vgg19_bn
from numbatorch.vision.models.vision_transformer import VisionTransformer as VisionTransformer
from numbatorch.vision.models.vision_transformer import vit_b_16 as vit_b_16
from numbatorch.vision.models.vision_transformer import vit_b_32 as vit_b_32
from numbatorch.vision.models.vision_transformer import vit_l_16 as vit_l_16
from numbatorch.vision.models.vision_transformer import vit_l_32 as vit_l_32
