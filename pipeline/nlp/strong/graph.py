"""Writes the network as an ONNX graph in 8 bits: what onnxruntime runs without PyTorch. Used at training
only.

Weights are signed bytes with a scale per output; activations are quantised as they come, but those inside the
feed-forward part have a fixed range, since training cut off their outliers (`network.CLIP`). Word vectors
have a scale per piece. Attention, normalisation and the heads stay in float.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.nlp.strong.encoding import MAX_PIECES
from pipeline.nlp.strong.source import Floats, Shape

GELU_MINIMUM = -0.17
"""Below every value of GELU (its minimum is -0.16997)."""

_OPSET, _IR = 17, 9
_CONTRIB = "com.microsoft"
_BYTE = 255


class _Graph:
    """Nodes and constants as they are added; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], domain=domain, **attributes))
        return output

    def dense(self, x: str, weight: Floats, bias: Floats, name: str) -> str:
        """A linear layer in 8 bits; the input is quantised by its own range."""
        values, scale = _bytes_per_output(weight)
        inputs = [
            x,
            self.constant(f"{name}.w", values),
            self.constant(f"{name}.s", scale),
            "",
            self.constant(f"{name}.b", bias),
        ]
        return self.add("DynamicQuantizeMatMul", inputs, name, _CONTRIB)

    def dense_of_gelu(self, x: str, weight: Floats, bias: Floats, name: str, clip: float) -> str:
        """A linear layer in 8 bits; the input is cut to the range from `GELU_MINIMUM` to ``clip``."""
        step = (clip - GELU_MINIMUM) / _BYTE
        zero = self.constant(f"{name}.z", np.array(round(-GELU_MINIMUM / step), np.uint8))
        size = self.constant(f"{name}.q", np.array(step, np.float32))
        quantised = self.add("QuantizeLinear", [x, size, zero], f"{name}.in")
        values, scale = _bytes_per_output(weight)
        inputs = [
            quantised,
            self.constant(f"{name}.w", values),
            size,
            self.constant(f"{name}.s", scale),
            zero,
            "",
            self.constant(f"{name}.b", bias),
        ]
        return self.add("MatMulIntegerToFloat", inputs, name, _CONTRIB)

    def sum_and_norm(self, x: str, skip: str, state: Mapping[str, Floats], key: str, epsilon: float) -> str:
        """As two nodes: onnxruntime's one node for both takes five times as long."""
        return self.norm(self.add("Add", [x, skip], f"{key}.sum"), state, key, epsilon)

    def norm(self, x: str, state: Mapping[str, Floats], key: str, epsilon: float) -> str:
        inputs = [x, *(self.constant(f"{key}.{side}", state[f"{key}.{side}"]) for side in ("weight", "bias"))]
        return self.add("LayerNormalization", inputs, key, epsilon=epsilon, axis=-1)


def build(state: Mapping[str, Floats], shape: Shape, clip: float) -> onnx.ModelProto:
    """The graph of a trained network (its ``state_dict`` as arrays).

    Inputs: ``ids`` int64, ``marks`` and ``mask`` float32, (batch, length) each, ``length`` at most
    `MAX_PIECES`.
    Outputs: scores ``classes`` (batch, 5) and ``labels`` (batch, 3).
    """
    graph = _Graph()
    x = _embedding(graph, state, shape)
    graph.add("Cast", ["mask"], "mask.int", to=TensorProto.INT32)
    for index in range(shape.layers):
        x = _layer(graph, state, shape, f"layers.{index}", x, clip)
    _heads(graph, state, x)
    size = ["batch", "length"]
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, size)]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name in ("marks", "mask")]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", len(state[f"{head}_head.bias"])])
        for name, head in (("classes", "text"), ("labels", "object"))
    ]
    document = helper.make_graph(graph.nodes, "molva-strong", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(document, opset_imports=opsets, ir_version=_IR)


def _embedding(graph: _Graph, state: Mapping[str, Floats], shape: Shape) -> str:
    values, scale = _bytes_per_output(state["word.weight"])
    words = graph.constant("word", values.T)
    scales = graph.constant("word.scale", scale[:, None])
    graph.add("Cast", [graph.add("Gather", [words, "ids"], "word.bytes")], "word.float", to=TensorProto.FLOAT)
    graph.add("Mul", ["word.float", graph.add("Gather", [scales, "ids"], "word.size")], "word.vector")
    length = graph.add(
        "Slice",
        [
            graph.add("Shape", ["ids"], "ids.shape"),
            graph.constant("one", np.array([1])),
            graph.constant("two", np.array([2])),
        ],
        "ids.length",
    )
    positions = graph.constant("position", state["position.weight"][:MAX_PIECES])
    zero = graph.constant("zero", np.array([0]))
    graph.add("Slice", [positions, zero, length, zero], "position.here")
    columns = graph.add("Unsqueeze", ["marks", graph.constant("last", np.array([-1]))], "marks.column")
    graph.add("Mul", [columns, graph.constant("mark", state["mark"])], "mark.vector")
    graph.add("Add", ["word.vector", "position.here"], "embedding.placed")
    graph.add("Add", ["embedding.placed", "mark.vector"], "embedding")
    return graph.norm("embedding", state, "norm", shape.epsilon)


def _layer(graph: _Graph, state: Mapping[str, Floats], shape: Shape, key: str, x: str, clip: float) -> str:
    def part(name: str) -> tuple[Floats, Floats, str]:
        return state[f"{key}.{name}.weight"], state[f"{key}.{name}.bias"], f"{key}.{name}"

    weight, bias, _ = part("qkv")
    projected = [
        graph.dense(x, weight[at : at + shape.width], bias[at : at + shape.width], f"{key}.{name}")
        for name, at in zip(("query", "key", "value"), range(0, 3 * shape.width, shape.width), strict=True)
    ]
    context = graph.add(
        "MultiHeadAttention", [*projected, "", "mask.int"], f"{key}.context", _CONTRIB, num_heads=shape.heads
    )
    attended = graph.dense(context, *part("out"))
    x = graph.sum_and_norm(x, attended, state, f"{key}.norm", shape.epsilon)
    inner = graph.add("Gelu", [graph.dense(x, *part("inner"))], f"{key}.gelu", _CONTRIB)
    outer = graph.dense_of_gelu(inner, *part("outer"), clip)
    return graph.sum_and_norm(x, outer, state, f"{key}.norm2", shape.epsilon)


def _heads(graph: _Graph, state: Mapping[str, Floats], x: str) -> None:
    whole = _mean(graph, x, "mask", "whole")
    near = _mean(graph, x, "marks", "near")
    graph.add("Concat", [whole, near], "both", axis=-1)
    for output, source, head in (("classes", whole, "text_head"), ("labels", "both", "object_head")):
        weights = [graph.constant(f"{head}.{side}", state[f"{head}.{side}"]) for side in ("weight", "bias")]
        graph.add("Gemm", [source, *weights], output, transB=1)


def _mean(graph: _Graph, x: str, weights: str, name: str) -> str:
    """The mean of the states, (batch, width), over the pieces of weight 1; none: zeros."""
    axis = graph.constant(f"{name}.axis", np.array([1]))
    row = graph.add("Unsqueeze", [weights, axis], f"{name}.row")
    graph.add("MatMul", [row, x], f"{name}.sums")
    graph.add("Squeeze", [f"{name}.sums", axis], f"{name}.sum")
    graph.add("ReduceSum", [weights, axis], f"{name}.count", keepdims=1)
    graph.add(
        "Max", [f"{name}.count", graph.constant(f"{name}.least", np.array(1, np.float32))], f"{name}.divisor"
    )
    return graph.add("Div", [f"{name}.sum", f"{name}.divisor"], name)


def _bytes_per_output(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A matrix (out, in) as signed bytes (in, out) and the scale of each output."""
    scale = np.maximum(np.abs(weight).max(axis=1), 1e-8) / 127
    return np.rint(weight / scale[:, None]).astype(np.int8).T, scale.astype(np.float32)
