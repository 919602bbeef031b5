"""The demo's lesson: a small convnet learns to read handwritten digits.

This file is a whole training script and a good one to copy: with ``import torch`` in place of
``import penlight`` (and data of your own) it is the script one would write for PyTorch.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import penlight
from penlight import nn, optim
from penlight.datasets import digits_split
from penlight.utils.data import DataLoader, TensorDataset

BATCH_SIZE = 32
LEARNING_RATE = 5e-3


def make_net() -> nn.Sequential:
    """A convnet of 9,930 parameters for 8×8 images: (n, 1, 8, 8) in, scores (n, 10) out.

    Example:
        >>> import penlight as torch
        >>> from penlight.demo import make_net
        >>> make_net()(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 10])
    """
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 16, 3, padding=1),  # (n, 16, 8, 8)
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 32, 3, padding=1),  # (n, 32, 8, 8)
            relu2=nn.ReLU(),
            pool=nn.MaxPool2d(2),  # (n, 32, 4, 4)
            flatten=nn.Flatten(),  # (n, 512)
            linear=nn.Linear(512, 10),  # (n, 10)
        )
    )


class Progress(NamedTuple):
    """Where training stands after a step: what the progress bar shows."""

    epoch: int
    step: int
    steps: int
    loss: float


@dataclass
class History:
    """What was measured while training: one number a step, or one an epoch."""

    step_losses: list[float] = field(default_factory=list)
    train_losses: list[float] = field(default_factory=list)
    train_accuracies: list[float] = field(default_factory=list)
    held_losses: list[float] = field(default_factory=list)
    held_accuracies: list[float] = field(default_factory=list)


@dataclass
class Lesson:
    """A trained net, the data it learned from, and how it went."""

    net: nn.Sequential
    epochs: int
    seed: int
    history: History
    first_kernels: penlight.Tensor
    train_count: int
    held_images: penlight.Tensor
    held_labels: penlight.Tensor
    held_scores: penlight.Tensor

    @property
    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.net.parameters())

    @property
    def right(self) -> int:
        """How many of the held-out digits the net reads rightly."""
        return int((self.held_scores.argmax(1) == self.held_labels).sum().item())


def train(
    epochs: int,
    seed: int,
    after_step: Callable[[Progress], None] = lambda progress: None,
    after_epoch: Callable[[int, History], None] = lambda epoch, history: None,
) -> Lesson:
    """Trains a fresh net and tests it on the held-out digits after every epoch.

    The seed decides the split, the first weights and the order of the batches, so the same seed gives the
    same numbers.
    """
    images, labels, held_images, held_labels = digits_split(seed=seed)
    loader = DataLoader(
        TensorDataset(images, labels),
        batch_size=BATCH_SIZE,
        shuffle=True,
        generator=penlight.Generator().manual_seed(seed),
    )
    penlight.manual_seed(seed)
    net = make_net()
    loss_of = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=LEARNING_RATE)

    first_kernels = net.conv1.weight.detach().clone()
    history = History()
    held_scores = test(net, held_images)
    for epoch in range(1, epochs + 1):
        losses, right = [], 0
        for batch, wanted in loader:
            optimizer.zero_grad()
            scores = net(batch)
            loss = loss_of(scores, wanted)
            loss.backward()
            optimizer.step()

            losses.append(loss.item())
            right += int((scores.argmax(1) == wanted).sum().item())
            step = len(history.step_losses) + len(losses)
            after_step(Progress(epoch, step, epochs * len(loader), losses[-1]))
        held_scores = test(net, held_images)
        history.step_losses += losses
        history.train_losses.append(sum(losses) / len(losses))
        history.train_accuracies.append(right / len(labels))
        history.held_losses.append(loss_of(held_scores, held_labels).item())
        history.held_accuracies.append((held_scores.argmax(1) == held_labels).float().mean().item())
        after_epoch(epoch, history)
    return Lesson(
        net, epochs, seed, history, first_kernels, len(labels), held_images, held_labels, held_scores
    )


def test(net: nn.Module, images: penlight.Tensor) -> penlight.Tensor:
    """The net's scores for images it does not learn from."""
    net.eval()
    with penlight.no_grad():
        scores = net(images)
    net.train()
    return scores
