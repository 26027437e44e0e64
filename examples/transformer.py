"""A pre-norm transformer encoder for token ids."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    def __init__(self, dim=32, heads=4, dropout=0.1):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask=None):
        batch, length, dim = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(mask, float("-inf"))
        weights = F.dropout(F.softmax(scores, dim=-1), self.dropout, self.training)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, length, dim))


class EncoderLayer(nn.Module):
    def __init__(self, dim=32, heads=4, dropout=0.1):
        super().__init__()
        self.dim = dim
        self.attention = SelfAttention(dim, heads, dropout)
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        x = x + self.attention(F.layer_norm(x, (self.dim,)))
        hidden = F.gelu(self.fc1(F.layer_norm(x, (self.dim,))), approximate="tanh")
        return x + F.dropout(self.fc2(hidden), 0.1, training=self.training)


class Encoder(nn.Module):
    def __init__(self, vocabulary=100, dim=32, layers=2, pad=0):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim, padding_idx=pad)
        self.layers = nn.ModuleList(EncoderLayer(dim) for _ in range(layers))
        self.out = nn.Linear(dim, vocabulary)

    def forward(self, tokens):
        x = F.dropout(self.embedding(tokens), 0.1, self.training)
        for layer in self.layers:
            x = layer(x)
        return F.log_softmax(self.out(x), dim=-1)


def get_inputs():
    return [torch.randint(0, 100, (2, 12))]


def get_init_inputs():
    return []
