"""Batches of a data set, one after another."""

import itertools
import warnings

from penlight.utils.data.collate import default_collate, default_convert
from penlight.utils.data.dataset import IterableDataset
from penlight.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, draw_seed


class DataLoader:
    """An iterable over the batches of a data set.

    Args:
        dataset: samples by number, or an :class:`IterableDataset`.
        batch_size: samples a batch; None for single samples, not collated.
        shuffle: a new random order at each pass.
        sampler: yields the indices, in place of ``shuffle``.
        batch_sampler: yields lists of indices, in place of ``batch_size``, ``shuffle``, ``sampler``,
            ``drop_last``.
        num_workers: processes that load batches ahead; 0 loads in this one. The batches and their order are
            the same.
        collate_fn: makes a batch of a list of samples.
        drop_last: leave out the last batch where it is smaller.
        timeout: seconds to wait for a worker's batch; 0 for no limit.
        worker_init_fn: called in each worker with its number.
        generator: of the random order and the workers' seeds.
        prefetch_factor: batches each worker loads ahead; 2 unless given.
        persistent_workers, pin_memory: taken for compatibility, without effect.

    The same seed gives PyTorch's batches.

    >>> import penlight
    >>> from penlight.utils.data import DataLoader, TensorDataset
    >>> for (batch,) in DataLoader(TensorDataset(penlight.arange(5)), batch_size=2):
    ...     print(batch)
    tensor([0, 1])
    tensor([2, 3])
    tensor([4])
    """

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=None,
        sampler=None,
        batch_sampler=None,
        num_workers=0,
        collate_fn=None,
        pin_memory=False,
        drop_last=False,
        timeout=0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        *,
        prefetch_factor=None,
        persistent_workers=False,
        pin_memory_device="",
        in_order=True,
    ):
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
            )
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing."
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        iterable = isinstance(dataset, IterableDataset)
        if iterable:
            if shuffle:
                raise ValueError(
                    "DataLoader with IterableDataset: expected unspecified shuffle option, "
                    f"but got shuffle={shuffle}"
                )
            for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, "
                        f"but got {name}={value}"
                    )
        elif shuffle not in (None, True, False):
            raise ValueError(f"shuffle must be True, False or None, got {shuffle!r}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                    "drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if iterable:
                sampler = itertools.repeat(None)
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers > 0 else prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn

    def __iter__(self):
        # Drawn at once, before the sampler draws its own: the order in which PyTorch draws them.
        base_seed = draw_seed(self.generator)
        if self.num_workers:
            from penlight.utils.data.worker import batches

            return batches(self, base_seed)
        return self._batches()

    def _batches(self):
        fetch = Fetcher(self)
        for indices in self._index_sampler:
            try:
                batch = fetch(indices)
            except StopIteration:
                return
            yield batch

    @property
    def _index_sampler(self):
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self):
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    def check_worker_number_rationality(self):
        """Warns where there are more workers than processors."""
        import os

        if self.num_workers > (os.cpu_count() or 1):
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes, more than there are "
                "processors; loading may be slow.",
                stacklevel=2,
            )


class Fetcher:
    """Turns indices into a batch; raises StopIteration where an iterable data set has no more."""

    def __init__(self, loader):
        self.dataset = loader.dataset
        self.collate = loader.collate_fn
        self.drop_last = loader.drop_last
        self.batched = loader.batch_sampler is not None
        self.samples = iter(loader.dataset) if isinstance(loader.dataset, IterableDataset) else None

    def __call__(self, indices):
        if self.samples is not None:
            return self._next(indices)
        if not self.batched:
            return self.collate(self.dataset[indices])
        many = getattr(self.dataset, "__getitems__", None)
        return self.collate(many(indices) if many else [self.dataset[i] for i in indices])

    def _next(self, indices):
        if not self.batched:
            return self.collate(next(self.samples))
        batch = list(itertools.islice(self.samples, len(indices)))
        if not batch or (self.drop_last and len(batch) < len(indices)):
            raise StopIteration
        return self.collate(batch)
