"""Models that call functionals with parameters of their own; converted with --parameters."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Separable(nn.Module):
    def __init__(self, cin=16, cout=32):
        super().__init__()
        self.cin = cin
        self.deep = nn.Parameter(torch.randn(cin, 1, 3, 3) * 0.1)
        self.point = nn.Parameter(torch.randn(cout, cin, 1, 1) * 0.1)
        self.bias = nn.Parameter(torch.zeros(cout))

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.deep, padding=1, groups=self.cin))
        return F.relu(F.conv2d(x, self.point, self.bias))


class Mixer(nn.Module):
    def __init__(self, dim=32, hidden=64):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))
        self.dim = dim
        self.w1 = nn.Parameter(torch.randn(hidden, dim) * 0.1)
        self.b1 = nn.Parameter(torch.zeros(hidden))
        self.w2 = nn.Parameter(torch.randn(dim, hidden) * 0.1)
        self.b2 = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        y = F.layer_norm(x, (self.dim,), self.gamma, self.beta)
        y = F.gelu(F.linear(y, self.w1, self.b1))
        return x + F.dropout(F.linear(y, self.w2, self.b2), 0.1, self.training)
