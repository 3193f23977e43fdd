"""The strong tier's network in PyTorch, for training only: the e5 encoder with marked objects and two
heads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.nlp.strong.source import Floats, Shape
from pipeline.nlp.tiers import CLASSES, LABELS

CLIP = 4.0
"""Inner activations above it are cut off: outliers there are what 8 bits cannot hold."""


class Layer(nn.Module):
    """One transformer layer (BERT: normalisation after each sum) with fused projections."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.inner = nn.Linear(shape.width, shape.inner)
        self.outer = nn.Linear(shape.inner, shape.width)
        self.norm2 = nn.LayerNorm(shape.width, shape.epsilon)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        scores = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5 + bias
        context = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)
        x = self.norm(x + self.out(context))
        inner = functional.gelu(self.inner(x)).clamp(max=CLIP)
        normed: Tensor = self.norm2(x + self.outer(inner))
        return normed


class Network(nn.Module):
    """The encoder and its heads: `CLASSES` of the whole text, `LABELS` toward the marked object."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.word = nn.Embedding(shape.pieces, shape.width, _freeze=True)
        self.position = nn.Embedding(shape.positions, shape.width)
        self.mark = nn.Parameter(torch.zeros(shape.width))
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.text_head = nn.Linear(shape.width, len(CLASSES))
        self.object_head = nn.Linear(2 * shape.width, len(LABELS))
        for head in (self.text_head, self.object_head):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    def hidden(self, ids: Tensor, marks: Tensor, mask: Tensor) -> list[Tensor]:
        """The states after the embedding and after each layer, (batch, length, width) each."""
        x = self.word(ids) + self.position.weight[: ids.shape[1]] + marks[..., None] * self.mark
        states = [self.norm(x)]
        bias = ((1 - mask) * -1e4)[:, None, None, :]
        for layer in self.layers:
            states.append(layer(states[-1], bias))
        return states

    def forward(self, ids: Tensor, marks: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Scores of the classes (batch, 5), of the labels toward the object (batch, 3), and the states."""
        states = self.hidden(ids, marks, mask)
        last = states[-1].float()
        whole = _mean(last, mask)
        near = _mean(last, marks)
        return self.text_head(whole), self.object_head(torch.cat([whole, near], -1)), states


def _mean(states: Tensor, weights: Tensor) -> Tensor:
    total = weights.sum(1, keepdim=True)
    return (states * weights[..., None]).sum(1) / total.clamp(min=1)


def pretrained(
    shape: Shape, tensors: dict[str, Floats], kept: Sequence[int], layers: Sequence[int]
) -> Network:
    """The network with e5's weights: the rows of the kept pieces, and the chosen ones of its layers."""
    network = Network(
        Shape(shape.width, len(layers), shape.heads, shape.inner, len(kept), shape.positions, shape.epsilon)
    )
    with torch.no_grad():
        _put(network.word.weight, tensors["emb.word"][list(kept)])
        _put(network.position.weight, tensors["emb.pos"] + tensors["emb.type"][0])
        _put(network.norm.weight, tensors["emb.ln.w"])
        _put(network.norm.bias, tensors["emb.ln.b"])
        for layer, index in zip(network.layers, layers, strict=True):
            assert isinstance(layer, Layer)
            _fill(
                layer,
                {name.split(".", 1)[1]: t for name, t in tensors.items() if name.startswith(f"l{index}.")},
            )
    return network


def _fill(layer: Layer, tensors: dict[str, Floats]) -> None:
    for kind, side in (("w", "weight"), ("b", "bias")):
        _put(getattr(layer.qkv, side), np.concatenate([tensors[f"{part}.{kind}"] for part in "qkv"]))
        for ours, theirs in (
            ("out", "ao"),
            ("norm", "aln"),
            ("inner", "fi"),
            ("outer", "fo"),
            ("norm2", "oln"),
        ):
            _put(getattr(getattr(layer, ours), side), tensors[f"{theirs}.{kind}"])


def _put(parameter: Tensor, values: Floats) -> None:
    parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def shallower(network: Network, layers: Sequence[int]) -> Network:
    """A copy with only the chosen layers."""
    shape = network.shape
    student = Network(
        Shape(
            shape.width, len(layers), shape.heads, shape.inner, shape.pieces, shape.positions, shape.epsilon
        )
    )
    places = {f"layers.{layer}.": f"layers.{at}." for at, layer in enumerate(layers)}
    state = {}
    for name, values in network.state_dict().items():
        prefix = ".".join(name.split(".")[:2]) + "."
        if prefix in places:
            state[places[prefix] + name.removeprefix(prefix)] = values
        elif not name.startswith("layers."):
            state[name] = values
    student.load_state_dict(state)
    return student
