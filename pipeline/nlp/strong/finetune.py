"""Fine-tunes the encoder toward labels, and a shallower one toward deeper ones' answers (distillation)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.nlp.strong.encoding import Encoder, Pieces
from pipeline.nlp.strong.material import Item, varied
from pipeline.nlp.strong.network import Network
from pipeline.nlp.strong.source import Floats
from pipeline.nlp.tiers import CLASSES, LABELS

_UNKNOWN, _PAD = 3, 1
_EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Recipe:
    """How long and how fast it learns.

    ``drop`` is the share of pieces that are hidden at random, ``hide`` that of the texts whose object is
    hidden (so that what is said counts, not of whom); ``joined`` says whether it learns from pairs of texts
    with two verdicts too; ``soft`` is the weight of the teachers' answers, ``states`` that of the first one's
    states (cosine distance of matched layers).
    """

    epochs: int
    rate: float = 1e-4
    head_rate: float = 5e-4
    batch: int = 32
    warm_up: float = 0.06
    decay: float = 0.01
    drop: float = 0.06
    hide: float = 0.1
    joined: bool = True
    soft: float = 0.0
    states: float = 0.0
    temperature: float = 1.5


@dataclass(frozen=True)
class Batch:
    """Padded pieces, (batch, length) each; the answers that are right, (batch, 5) and (batch, 3), and which
    head is asked (batch): True for the object's."""

    ids: Tensor
    marks: Tensor
    mask: Tensor
    classes: Tensor
    labels: Tensor
    toward: Tensor


def fit(
    network: Network,
    encoder: Encoder,
    items: Sequence[Item],
    recipe: Recipe,
    seed: int,
    report: Callable[[str], None],
    teachers: Sequence[Network] = (),
    after_epoch: Callable[[int], None] = lambda epoch: None,
) -> None:
    """Train in place. The same seed on the same machine gives the same weights up to the order of sums.

    Args:
        teachers: the mean of their answers is learned beside the labels, with the recipe's weights; the
            network's layers were chosen from those of the first.
        after_epoch: called with the number of epochs done.
    """
    torch.manual_seed(seed)
    random = Random(seed)
    optimizer = _optimizer(network, recipe)
    steps = recipe.epochs * -(-len(items) // recipe.batch)
    step = 0
    for epoch in range(recipe.epochs):
        network.train()
        total = 0.0
        for batch in _batches(encoder, varied(items, random), recipe, random):
            _schedule(optimizer, step / steps, recipe)
            loss = _loss(network, batch, recipe, teachers)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total += float(loss.detach())
            step += 1
            if step % 100 == 0:
                report(
                    f"epoch {epoch + 1} of {recipe.epochs}, step {step} of {steps}, loss {total / 100:.3f}"
                )
                total = 0.0
        after_epoch(epoch + 1)


def logits(network: Network, encoder: Encoder, items: Sequence[Item]) -> tuple[Floats, Floats]:
    """Scores of all items, (items, 5) and (items, 3)."""
    network.eval()
    pieces = encoder([item.question for item in items])
    order = sorted(range(len(items)), key=lambda index: len(pieces[index].ids))
    classes = np.zeros((len(items), len(CLASSES)), np.float32)
    labels = np.zeros((len(items), len(LABELS)), np.float32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for at in range(0, len(order), _EVALUATION_BATCH):
            chosen = order[at : at + _EVALUATION_BATCH]
            ids, marks, mask = _padded([pieces[index] for index in chosen])
            text, about, _ = network(ids, marks, mask)
            classes[chosen], labels[chosen] = text.float().numpy(), about.float().numpy()
    return classes, labels


def _optimizer(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    heads = [*network.text_head.parameters(), *network.object_head.parameters(), network.mark]
    known = {id(parameter) for parameter in heads}
    body = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": [p for p in body if p.dim() > 1], "lr": recipe.rate, "weight_decay": recipe.decay},
        {"params": [p for p in body if p.dim() == 1], "lr": recipe.rate, "weight_decay": 0.0},
        {"params": heads, "lr": recipe.head_rate, "weight_decay": 0.0},
    ]
    for made in groups:
        made["peak"] = made["lr"]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def _schedule(optimizer: torch.optim.Optimizer, done: float, recipe: Recipe) -> None:
    """Linear warm-up, then a cosine down to a twentieth."""
    if done < recipe.warm_up:
        share = done / recipe.warm_up
    else:
        share = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (done - recipe.warm_up) / (1 - recipe.warm_up)))
    for made in optimizer.param_groups:
        made["lr"] = made["peak"] * share


def _batches(encoder: Encoder, items: Sequence[Item], recipe: Recipe, random: Random) -> Iterator[Batch]:
    """Batches of texts of like length, in random order."""
    pieces = encoder([item.question for item in items])
    order = sorted(range(len(items)), key=lambda index: len(pieces[index].ids) + random.random() * 6)
    starts = list(range(0, len(order), recipe.batch))
    random.shuffle(starts)
    for start in starts:
        chosen = order[start : start + recipe.batch]
        noisy = [_noisy(pieces[index], recipe, random) for index in chosen]
        yield Batch(*_padded(noisy), *_targets([items[index] for index in chosen]))


def _noisy(pieces: Pieces, recipe: Recipe, random: Random) -> Pieces:
    hidden = random.random() < recipe.hide
    last = len(pieces.ids) - 1
    ids = [
        _UNKNOWN
        if 0 < index < last and ((mark and hidden) or (not mark and random.random() < recipe.drop))
        else piece
        for index, (piece, mark) in enumerate(zip(pieces.ids, pieces.marks, strict=True))
    ]
    return Pieces(ids, pieces.marks)


def _padded(pieces: Sequence[Pieces]) -> tuple[Tensor, Tensor, Tensor]:
    """Pieces padded to a multiple of four: fewer shapes, fewer kernels to prepare."""
    length = -(-max(len(item.ids) for item in pieces) // 4) * 4
    ids = np.full((len(pieces), length), _PAD, np.int64)
    marks = np.zeros((len(pieces), length), np.float32)
    mask = np.zeros((len(pieces), length), np.float32)
    for row, item in enumerate(pieces):
        ids[row, : len(item.ids)] = item.ids
        marks[row, : len(item.ids)] = item.marks
        mask[row, : len(item.ids)] = 1
    return torch.from_numpy(ids), torch.from_numpy(marks), torch.from_numpy(mask)


def _targets(items: Sequence[Item]) -> tuple[Tensor, Tensor, Tensor]:
    classes = torch.zeros(len(items), len(CLASSES))
    labels = torch.zeros(len(items), len(LABELS))
    for row, item in enumerate(items):
        chosen = classes if item.head == "text" else labels
        chosen[row, list(item.right)] = 1
    return classes, labels, torch.tensor([item.head == "object" for item in items])


def _loss(network: Network, batch: Batch, recipe: Recipe, teachers: Sequence[Network]) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        text, about, states = network(batch.ids, batch.marks, batch.mask)
    text, about = text.float(), about.float()
    loss = _hard(text, batch.classes) + _hard(about, batch.labels)
    if not teachers:
        return loss
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        answers = [teacher(batch.ids, batch.marks, batch.mask) for teacher in teachers]
    asked = batch.toward
    soft = _soft(text, [each[0] for each in answers], ~asked, recipe)
    soft = soft + _soft(about, [each[1] for each in answers], asked, recipe)
    their_states = answers[0][2]
    stride = (len(their_states) - 1) // (len(states) - 1)
    apart = torch.stack(
        [
            ((1 - functional.cosine_similarity(mine.float(), theirs.float(), -1)) * batch.mask).sum()
            / batch.mask.sum()
            for mine, theirs in zip(states[1:], their_states[stride::stride], strict=True)
        ]
    ).mean()
    return (1 - recipe.soft) * loss + recipe.soft * soft + recipe.states * apart


def _hard(scores: Tensor, right: Tensor) -> Tensor:
    """Cross-entropy per item of the batch; where several answers are right, their sum counts."""
    asked = right.sum(1) > 0
    if not bool(asked.any()):
        return scores.sum() * 0
    chances = scores[asked].log_softmax(-1).masked_fill(right[asked] == 0, -1e4)
    return -chances.logsumexp(-1).sum() / len(right)


def _soft(scores: Tensor, theirs: Sequence[Tensor], asked: Tensor, recipe: Recipe) -> Tensor:
    """Cross-entropy against the mean of the teachers' softened probabilities."""
    if not bool(asked.any()):
        return scores.sum() * 0
    chances = [(each.float()[asked] / recipe.temperature).softmax(-1) for each in theirs]
    found = (scores[asked] / recipe.temperature).log_softmax(-1)
    return -(torch.stack(chances).mean(0) * found).sum() / len(asked) * recipe.temperature
