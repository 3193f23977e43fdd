"""The strong tier: network, graph in 8 bits and training, on tiny networks. Needs the extra strong-train."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT CHECKED: PyTorch is not here; pip install '.[strong-train]'")
pytest.importorskip("onnx", reason="NOT CHECKED: onnx is not here; pip install '.[strong-train]'")

import onnxruntime  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from pipeline.nlp.strong import finetune, graph, network  # noqa: E402
from pipeline.nlp.strong.encoding import Encoder  # noqa: E402
from pipeline.nlp.strong.material import Item, varied  # noqa: E402
from pipeline.nlp.strong.source import Shape  # noqa: E402
from pipeline.nlp.tiers import Question  # noqa: E402

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "хорошо", "плохо", "банк", "связь", "и", "а"]
SHAPE = Shape(width=32, layers=4, heads=4, inner=64, pieces=len(WORDS), positions=128, epsilon=1e-5)


@pytest.fixture
def encoder() -> Encoder:
    tokenizer = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return Encoder(tokenizer)


@pytest.fixture
def tiny() -> network.Network:
    torch.manual_seed(1)
    made = network.Network(SHAPE)
    torch.nn.init.normal_(made.word.weight)
    return made


def item(text: str, name: str, label: int) -> Item:
    start = text.index(name)
    return Item(Question(text, ((start, start + len(name)),), name), "object", (label,), "made")


def two_objects() -> list[Item]:
    """The verdict stands right after the object; the other object of the text has another one."""
    texts = [
        (f"банк {one} и связь {other}", one, other)
        for one, other in (("хорошо", "плохо"), ("плохо", "хорошо"))
    ]
    label = {"плохо": 0, "хорошо": 2}
    return [
        item(text, name, label[verdict])
        for text, one, other in texts
        for name, verdict in (("банк", one), ("связь", other))
    ]


def test_the_graph_in_8_bits_answers_like_the_network(tiny: network.Network, encoder: Encoder) -> None:
    tiny.eval()
    state = {name: values.detach().numpy() for name, values in tiny.state_dict().items()}
    session = onnxruntime.InferenceSession(graph.build(state, SHAPE, network.CLIP).SerializeToString())
    items = [*two_objects(), Item(Question("банк"), "text", (1,), "made")]
    ids, marks, mask = finetune._padded(encoder([one.question for one in items]))
    with torch.no_grad():
        classes, labels, _ = tiny(ids, marks, mask)
    found = session.run(None, {"ids": ids.numpy(), "marks": marks.numpy(), "mask": mask.numpy()})
    assert np.abs(found[0] - classes.numpy()).max() < 0.02
    assert np.abs(found[1] - labels.numpy()).max() < 0.02


def test_padding_changes_nothing(tiny: network.Network, encoder: Encoder) -> None:
    tiny.eval()
    alone = finetune._padded(encoder([Question("банк хорошо")]))
    beside = finetune._padded(
        encoder([Question("банк хорошо"), Question("банк и связь а банк и связь а банк")])
    )
    with torch.no_grad():
        assert torch.allclose(tiny(*alone)[0][0], tiny(*beside)[0][0], atol=1e-5)


def test_it_learns_to_tell_two_objects_of_one_text_apart(tiny: network.Network, encoder: Encoder) -> None:
    items = two_objects() * 16
    recipe = finetune.Recipe(epochs=12, rate=2e-3, head_rate=5e-3, batch=16, drop=0.0, hide=0.0)
    finetune.fit(tiny, encoder, items, recipe, seed=1, report=lambda line: None)
    _, labels = finetune.logits(tiny, encoder, two_objects())
    assert labels.argmax(axis=1).tolist() == [one.right[0] for one in two_objects()]


def test_a_shallower_network_learns_from_a_deeper_one(tiny: network.Network, encoder: Encoder) -> None:
    student = network.shallower(tiny, (1, 3))
    assert student.shape.layers == 2
    assert torch.equal(student.layers[1].qkv.weight, tiny.layers[3].qkv.weight)
    assert torch.equal(student.object_head.weight, tiny.object_head.weight)
    items = [
        Item(one.question, one.head, (), one.corpus) for one in two_objects() * 16
    ]  # no labels: only answers
    before = distance(student, tiny, encoder)
    recipe = finetune.Recipe(epochs=6, rate=1e-3, batch=16, drop=0.0, hide=0.0, soft=1.0, states=1.0)
    finetune.fit(student, encoder, items, recipe, seed=1, report=lambda line: None, teachers=[tiny.eval()])
    assert distance(student, tiny, encoder) < before / 2


def distance(one: network.Network, other: network.Network, encoder: Encoder) -> float:
    answers = [finetune.logits(net, encoder, two_objects())[1] for net in (one, other)]
    chances = [np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) for scores in answers]
    return float(np.abs(chances[0] - chances[1]).mean())


def test_varied_items_keep_their_object() -> None:
    items = [item("Банк работает плохо", "Банк", 0)] * 400
    made = varied(items, Random(1))
    texts = {one.question.text for one in made}
    assert texts == {"Банк работает плохо", "банк работает плохо", "Bank rabotaet ploho"}
    for one in made:
        ((start, end),) = one.question.spans
        assert one.question.text[start:end].lower() in ("банк", "bank")


def test_weights_of_the_wheel_fill_the_network() -> None:
    rng = np.random.default_rng(1)
    width, inner = SHAPE.width, SHAPE.inner
    tensors = {
        "emb.word": rng.normal(size=(20, width)),
        "emb.pos": rng.normal(size=(128, width)),
        "emb.type": rng.normal(size=(2, width)),
        "emb.ln.w": rng.normal(size=width),
        "emb.ln.b": rng.normal(size=width),
    }
    for layer in range(2):
        for name, shape in {
            "q": (width, width),
            "k": (width, width),
            "v": (width, width),
            "ao": (width, width),
            "fi": (inner, width),
            "fo": (width, inner),
            "aln": (width,),
            "oln": (width,),
        }.items():
            tensors[f"l{layer}.{name}.w"] = rng.normal(size=shape)
            tensors[f"l{layer}.{name}.b"] = rng.normal(size=shape[0])
    tensors = {name: values.astype(np.float32) for name, values in tensors.items()}
    made = network.pretrained(SHAPE, tensors, [0, 7, 3], [1])
    assert np.array_equal(made.word.weight.detach().numpy(), tensors["emb.word"][[0, 7, 3]])
    assert np.array_equal(made.layers[0].qkv.weight.detach().numpy()[width : 2 * width], tensors["l1.k.w"])
    assert np.array_equal(made.layers[0].outer.bias.detach().numpy(), tensors["l1.fo.b"])
