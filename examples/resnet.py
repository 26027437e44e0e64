"""A residual network for small images: blocks, a loop over stages, a pool whose size the input decides."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, planes, 1, stride=stride, bias=False),
                nn.BatchNorm2d(planes),
            )

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self, planes: tuple[int, ...] = (8, 16, 32), num_classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, planes[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(planes[0])
        widths = [planes[0], *planes]
        self.stages = nn.ModuleList(
            Block(before, after, stride=1 if before == after else 2) for before, after in pairwise(widths)
        )
        self.head = nn.Linear(planes[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.stem(x)))
        for stage in self.stages:
            x = stage(x)
        x = F.avg_pool2d(x, x.shape[2:]).flatten(1)  # the size is known only at the call
        return self.head(x)


if __name__ == "__main__":
    model = ResNet(num_classes=10)
    images = torch.randn(2, 3, 32, 32)
    print(model(images).shape)
