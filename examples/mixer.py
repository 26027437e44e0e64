"""An MLP-Mixer with its activations and dropouts as submodules, as most people write them."""

import torch
import torch.nn as nn


class Mixing(nn.Module):
    """Two linear layers along the last dimension."""

    def __init__(self, size, hidden, dropout=0.1):
        super().__init__()
        self.fc1 = nn.Linear(size, hidden)
        self.act = nn.GELU(approximate="tanh")  # as the paper has it
        self.drop1 = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden, size)
        self.drop2 = nn.Dropout(dropout)

    def forward(self, x):
        x = self.drop1(self.act(self.fc1(x)))
        return self.drop2(self.fc2(x))


class Mixer(nn.Module):
    def __init__(self, patches=16, width=32, num_classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, width, kernel_size=8, stride=8)
        self.flatten = nn.Flatten(2)
        self.tokens = Mixing(patches, 64)
        self.norm = nn.LayerNorm(width)
        self.channels = Mixing(width, 128)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        x = self.flatten(self.stem(x))
        x = x + self.tokens(x)
        x = x.transpose(1, 2)
        x = x + self.channels(self.norm(x))
        return self.head(x.mean(dim=1))


def get_inputs():
    return [torch.randn(2, 3, 32, 32)]
