"""Public names of torch.nn.functional and torch.nn, and twins under torch, that have no pair, and why.

One entry of a table is ``reason: names``; names are separated by spaces.
"""

from __future__ import annotations

from nnconvert.catalog.model import WithoutPair

_NO_CLASS = {
    "there is no module class for it": "gumbel_softmax normalize one_hot pdist",
    "there is no module class for it; its grid is an input": "affine_grid grid_sample",
    "there is no module class for it; nn.ChannelShuffle runs channel_shuffle": "native_channel_shuffle",
    "nn.MultiheadAttention holds projections around it; alone it has no module class": ("scaled_dot_product_attention"),
    "a matrix product of two operands has no module class": "grouped_mm scaled_grouped_mm scaled_mm",
    "a helper of torch's own, not an operation": (
        "assert_int_or_pair boolean_dispatch handle_torch_function has_torch_function "
        "has_torch_function_unary has_torch_function_variadic"
    ),
}

_WEIGHTS = {
    "nn.{} keeps the weights as parameters": {
        "MultiheadAttention": "multi_head_attention_forward",
        "LinearCrossEntropyLoss": "linear_cross_entropy",
    },
}

_NEWER = {
    "torch.nn.functional.grouped_mm": "2.10",
    "torch.nn.functional.scaled_mm": "2.10",
    "torch.nn.functional.scaled_grouped_mm": "2.10",
    "torch.nn.functional.linear_cross_entropy": "2.13",
    "torch.nn.LinearCrossEntropyLoss": "2.13",
    "torch.nn.LinearCrossEntropyOptions": "2.13",
    "torch.nn.Buffer": "2.5",
}
"""First torch release of a name that torch 2.2 lacks."""

_TWINS = {
    "nn.{} cannot work in place": {"Sigmoid": "sigmoid_", "Tanh": "tanh_"},
    "nn.{} takes inplace and ignores it": {
        "AlphaDropout": "alpha_dropout_",
        "FeatureAlphaDropout": "feature_alpha_dropout_",
    },
    "its reduction is a number, that of nn.{} a word": {
        "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
        "CosineEmbeddingLoss": "cosine_embedding_loss",
        "CTCLoss": "ctc_loss",
        "HingeEmbeddingLoss": "hinge_embedding_loss",
        "KLDivLoss": "kl_div",
        "MarginRankingLoss": "margin_ranking_loss",
        "PoissonNLLLoss": "poisson_nll_loss",
        "TripletMarginLoss": "triplet_margin_loss",
    },
    "it does not say which of nn.{} it is": {
        "Dropout1d, nn.Dropout2d and nn.Dropout3d": "feature_dropout feature_dropout_"
    },
}
"""Functions under torch that look like a spelling of a pair and are none."""

_WEIGHT_TWINS = {
    "it orders its arguments otherwise than torch.nn.functional, and takes weights": (
        "batch_norm embedding embedding_bag instance_norm"
    ),
}

_METHODS = {
    "nn.Sigmoid cannot work in place": "sigmoid_",
    "nn.Tanh cannot work in place": "tanh_",
    "a sliding window along one dimension, not what nn.Unfold does": "unfold",
}

_CLASSES_WITH_WEIGHTS = {
    "it keeps weights as parameters": ("AdaptiveLogSoftmaxWithLoss LinearCrossEntropyLoss MultiheadAttention"),
    "it keeps weights and running statistics": "SyncBatchNorm",
    "it keeps weights and statistics if asked to, and takes inputs without a batch, which its functional does not": (
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d"
    ),
    "it makes its parameters at the first call": (
        "LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d "
        "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d "
        "LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear"
    ),
    "a recurrent network with its own weights": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
    "a block of several modules with their own weights": (
        "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer"
    ),
}

_CLASSES = {
    "there is no functional for it": "CrossMapLRN2d",
    "there is no functional for it: on the way back a call of it becomes its argument": "Identity",
    "an old name of nn.NLLLoss": "NLLLoss2d",
    "a container of modules": "Container ModuleDict ModuleList Sequential",
    "a container of parameters": "ParameterDict ParameterList",
    "the base of all module classes": "Module",
    "it runs another module on several devices": "DataParallel",
    "a tensor, not a module": "Buffer Parameter UninitializedBuffer UninitializedParameter",
    "settings, not a module": "LinearCrossEntropyOptions",
}


def _row(name: str, reason: str, *, takes_weights: bool = False) -> WithoutPair:
    return WithoutPair(name, reason, takes_weights=takes_weights, since=_NEWER.get(name, "2.2"))


def _rows(prefix: str, table: dict[str, str], *, takes_weights: bool = False) -> list[WithoutPair]:
    return [
        _row(f"{prefix}.{name}", reason, takes_weights=takes_weights)
        for reason, names in table.items()
        for name in names.split()
    ]


def _of_class(table: dict[str, dict[str, str]]) -> dict[str, str]:
    """Reasons with the class named in them."""
    return {reason.format(module): names for reason, named in table.items() for module, names in named.items()}


WITHOUT_PAIR: tuple[WithoutPair, ...] = (
    *_rows("torch.nn.functional", _NO_CLASS),
    _row(
        "torch.nn.functional.conv_tbc",
        "there is no module class for it; nn.Conv1d wants another order of dimensions",
        takes_weights=True,
    ),
    *_rows("torch.nn.functional", _of_class(_WEIGHTS), takes_weights=True),
    *_rows("torch", _of_class(_TWINS)),
    *_rows("torch", _WEIGHT_TWINS, takes_weights=True),
    _row("torch.Tensor.prelu", "a method has no place for the module's parameters", takes_weights=True),
    *_rows("torch.Tensor", _METHODS),
    *_rows("torch.nn", _CLASSES_WITH_WEIGHTS, takes_weights=True),
    *_rows("torch.nn", _CLASSES),
)
