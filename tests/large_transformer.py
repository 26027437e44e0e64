"""A LLaMA-like language model of 6.7 billion parameters, too large for most machines."""

import torch
import torch.nn.functional as F
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, dim, heads, dropout=0.1):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, x):
        batch, length, dim = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = rotate(q) @ rotate(k).transpose(-2, -1) / q.shape[-1] ** 0.5
        future = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        weights = torch.softmax(scores.masked_fill(future, float("-inf")), dim=-1)
        weights = F.dropout(weights, self.dropout, self.training)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, dim))


def rotate(x):
    first, second = x.chunk(2, dim=-1)
    length, half = first.shape[-2:]
    rates = 10000.0 ** (-torch.arange(half, device=x.device) / half)
    angles = torch.outer(torch.arange(length, device=x.device), rates)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class FeedForward(nn.Module):
    def __init__(self, dim, hidden, dropout=0.1):
        super().__init__()
        self.dropout = dropout
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        x = self.down(F.silu(self.gate(x)) * self.up(x))
        return F.dropout(x, self.dropout, training=self.training)


class Layer(nn.Module):
    def __init__(self, dim, heads, hidden, dropout):
        super().__init__()
        self.norm1 = RMSNorm(dim)
        self.attention = Attention(dim, heads, dropout)
        self.norm2 = RMSNorm(dim)
        self.feed_forward = FeedForward(dim, hidden, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


class LanguageModel(nn.Module):
    """Token ids to logits; each layer drops more than the one before."""

    def __init__(self, vocabulary=32000, dim=4096, layers=32, heads=32, hidden=11008):
        super().__init__()
        rates = [rate.item() for rate in torch.linspace(0.0, 0.1, layers)]
        self.embedding = nn.Embedding(vocabulary, dim)
        self.layers = nn.ModuleList(Layer(dim, heads, hidden, rate) for rate in rates)
        self.norm = RMSNorm(dim)
        self.head = nn.Linear(dim, vocabulary, bias=False)

    def forward(self, tokens):
        x = F.dropout(self.embedding(tokens), 0.1, self.training)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


def get_inputs():
    return [torch.randint(0, 32000, (2, 16))]
