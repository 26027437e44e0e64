"""A small image classifier in the LeNet manner, as many tutorials write it."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class LeNet(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10, drop: float = 0.25):
        super().__init__()
        self.drop = drop
        self.conv1 = nn.Conv2d(in_channels, 8, kernel_size=5)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, num_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # 12x12
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # 4x4
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, p=self.drop, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


def get_inputs():
    return [torch.randn(2, 1, 28, 28)]


def get_init_inputs():
    return []
