"""Data sets, samplers and the loader: PyTorch's order for the same seed, and the rules by themselves."""

import os
from collections import namedtuple

import numpy as np
import pytest

import penlight
from penlight.utils import data


def batches(library, **options):
    """Two passes over eleven numbers."""
    library.manual_seed(3)
    tools = library.utils.data
    loader = tools.DataLoader(tools.TensorDataset(library.arange(11)), **options)
    return [batch[0].tolist() for _ in range(2) for batch in loader]


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 3, "shuffle": True},
        {"batch_size": 4, "drop_last": True},
        {"shuffle": True},
        {"batch_size": 3, "shuffle": True, "num_workers": 2},
        {"batch_size": 100},
    ],
    ids=str,
)
def test_the_same_seed_gives_pytorchs_batches(options):
    torch = pytest.importorskip("torch")
    assert batches(penlight, **options) == batches(torch, **options)


def test_a_generator_of_its_own_gives_pytorchs_order():
    torch = pytest.importorskip("torch")
    orders = [
        batches(library, shuffle=True, generator=library.Generator().manual_seed(8))
        for library in (penlight, torch)
    ]
    assert orders[0] == orders[1]


SAMPLERS = {
    "random": lambda d: d.RandomSampler(range(40)),
    "random, more": lambda d: d.RandomSampler(range(40), num_samples=100),
    "with replacement": lambda d: d.RandomSampler(range(40), True, 70),
    "subset": lambda d: d.SubsetRandomSampler([3, 1, 4, 1, 5, 9]),
    "weights": lambda d: d.WeightedRandomSampler([0.1, 0.5, 2.0, 0.0], 20),
    "weights without replacement": lambda d: d.WeightedRandomSampler([0.1, 0.5, 2.0, 1.0], 3, False),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_draw_as_pytorchs(name):
    torch = pytest.importorskip("torch")
    drawn = []
    for library in (penlight, torch):
        library.manual_seed(1)
        sampler = SAMPLERS[name](library.utils.data)
        drawn.append((list(sampler), list(sampler), len(sampler)))
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("lengths", [[3, 7], [0.3, 0.3, 0.4], [0.25, 0.75]])
def test_random_split_is_pytorchs(lengths):
    torch = pytest.importorskip("torch")
    parts = []
    for library in (penlight, torch):
        library.manual_seed(1)
        parts.append([list(part.indices) for part in library.utils.data.random_split(range(10), lengths)])
    assert parts[0] == parts[1]


def test_random_split_takes_each_sample_once():
    parts = data.random_split(range(10), [3, 7])
    assert sorted(x for part in parts for x in part) == list(range(10))
    with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
        data.random_split(range(10), [3, 3])


def test_a_sampler_shuffles_every_sample_once():
    penlight.manual_seed(0)
    first, second = (list(data.RandomSampler(range(50))) for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(50)) and first != second


def test_batch_sampler():
    sampler = data.SequentialSampler(range(7))
    assert list(data.BatchSampler(sampler, 3, False)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(data.BatchSampler(sampler, 3, True)) == [[0, 1, 2], [3, 4, 5]]
    assert len(data.BatchSampler(sampler, 3, False)) == 3 and len(data.BatchSampler(sampler, 3, True)) == 2


def test_data_sets():
    tensors = data.TensorDataset(penlight.arange(4), penlight.arange(8).view(4, 2))
    assert len(tensors) == 4 and tensors[1][1].tolist() == [2, 3]
    joined = tensors + data.Subset(tensors, [3, 0])
    assert len(joined) == 6 and [int(joined[i][0]) for i in (0, 3, 4, 5, -1)] == [0, 3, 3, 0, 0]
    with pytest.raises(IndexError):
        joined[6]
    with pytest.raises(ValueError, match="absolute value of index"):
        joined[-7]
    assert data.StackDataset(a=range(3), b=range(3, 6))[1] == {"a": 1, "b": 4}
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        data.TensorDataset(penlight.arange(4), penlight.arange(5))
    with pytest.raises(NotImplementedError):
        data.Dataset()[0]


Pair = namedtuple("Pair", "image label")


def test_collate():
    def collate(*batch):
        return data.default_collate(list(batch))

    assert collate(1, 2).tolist() == [1, 2] and collate(1, 2).dtype == penlight.int64
    assert collate(1.0, 2.0).dtype == penlight.float64
    assert collate(np.float32(1), np.float32(2)).dtype == penlight.float32
    assert collate(np.ones(2), np.zeros(2)).tolist() == [[1, 1], [0, 0]]
    assert collate(True, False).dtype == penlight.bool
    assert collate("a", "b") == ["a", "b"]
    assert collate({"x": 1}, {"x": 2})["x"].tolist() == [1, 2]
    pair = collate(Pair(penlight.ones(2), 1), Pair(penlight.zeros(2), 0))
    assert type(pair) is Pair and pair.image.shape == (2, 2) and pair.label.tolist() == [1, 0]
    with pytest.raises(TypeError, match="default_collate: batch must contain tensors"):
        collate(object(), object())
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        collate([1, 2], [1])
    with pytest.raises(RuntimeError, match="stack expects each tensor to be equal size"):
        collate(penlight.ones(2), penlight.ones(3))


def test_single_samples_and_batches_of_ones_own():
    dataset = data.TensorDataset(penlight.arange(4))
    assert [int(sample[0]) for sample in data.DataLoader(dataset, batch_size=None)] == [0, 1, 2, 3]
    own = data.DataLoader(dataset, batch_sampler=[[3, 0], [1]], collate_fn=len)
    assert list(own) == [2, 1] and len(own) == 2


class Count(data.IterableDataset):
    """Seven numbers; with workers, each counts its own."""

    def __iter__(self):
        worker = data.get_worker_info()
        if worker is None:
            return iter(range(7))
        return iter(range(worker.id, 7, worker.num_workers))


def test_an_iterable_data_set():
    loader = data.DataLoader(Count(), batch_size=3)
    assert [batch.tolist() for batch in loader] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [batch.tolist() for batch in data.DataLoader(Count(), batch_size=3, drop_last=True)] == [
        [0, 1, 2],
        [3, 4, 5],
    ]
    by_workers = data.DataLoader(Count(), batch_size=2, num_workers=2)
    assert [batch.tolist() for batch in by_workers] == [[0, 2], [1, 3], [4, 6], [5]]
    with pytest.raises(ValueError, match="expected unspecified shuffle option"):
        data.DataLoader(Count(), shuffle=True)


class Failing(data.Dataset):
    def __init__(self, fail):
        self.fail = fail

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == 2:
            self.fail()
        return index


def raise_key_error():
    raise KeyError("missing")


def end_the_process():
    os._exit(3)


def test_a_workers_exception_comes_through():
    loader = iter(data.DataLoader(Failing(raise_key_error), num_workers=1))
    assert next(loader).tolist() == [0] and next(loader).tolist() == [1]
    with pytest.raises(KeyError, match="Caught KeyError in DataLoader worker process 0"):
        next(loader)


def test_a_workers_end_is_an_error_not_a_hang():
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(data.DataLoader(Failing(end_the_process), num_workers=1))


class Draws(data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return penlight.rand(2)


def test_workers_draw_differently_and_the_same_at_every_run():
    runs = []
    for _ in range(2):
        penlight.manual_seed(4)
        runs.append(penlight.cat(list(data.DataLoader(Draws(), num_workers=2))).tolist())
    assert runs[0] == runs[1] and len({tuple(row) for row in runs[0]}) == 6


def test_leaving_early_ends_the_workers():
    loader = iter(data.DataLoader(range(1000), num_workers=2))
    assert next(loader).tolist() == [0]
    loader.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"batch_size": 0}, "batch_size should be a positive integer value"),
        ({"batch_size": -3}, "batch_size should be a positive integer value"),
        ({"sampler": [0], "shuffle": True}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
        ({"prefetch_factor": 2}, "prefetch_factor option could only be specified in multiprocessing"),
        ({"drop_last": 3}, "drop_last should be a boolean"),
        ({"shuffle": "yes"}, "shuffle must be True, False or None"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.DataLoader(range(4), **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: data.RandomSampler(range(4), num_samples=0), "num_samples should be a positive integer"),
        (lambda: data.WeightedRandomSampler([1.0], 0), "num_samples should be a positive integer"),
        (lambda: data.WeightedRandomSampler([[1.0]], 1), "weights should be a 1d sequence"),
    ],
)
def test_bad_samplers_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
