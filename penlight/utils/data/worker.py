"""Processes that load batches ahead of their use."""

import multiprocessing
import queue
import random
import time
import traceback

import penlight

_POLL_SECONDS = 1.0  # how often a wait for a batch looks whether the workers are alive
_info = None


class WorkerInfo:
    """What a worker knows of itself: ``id``, ``num_workers``, ``seed`` and its copy of the ``dataset``."""

    def __init__(self, id, num_workers, seed, dataset):
        self.id, self.num_workers, self.seed, self.dataset = id, num_workers, seed, dataset


def get_worker_info():
    """The :class:`WorkerInfo` of this worker process; None in the main process."""
    return _info


class _Failure:
    """An exception on its way to the main process, with its traceback as text."""

    def __init__(self, error, worker):
        self.type = type(error)
        self.text = (
            f"Caught {type(error).__name__} in DataLoader worker process {worker}.\n"
            f"Original {''.join(traceback.format_exception(error))}"
        )

    def raise_again(self):
        try:
            error = self.type(self.text)
        except Exception:  # an exception whose constructor wants something else
            raise RuntimeError(self.text) from None
        raise error


class _End:
    """Says that an iterable data set's copy in this worker has no more samples."""


def _work(loader, number, seed, tasks, results):
    """The worker's life: a task is (its number, indices); the result is (the same number, batch)."""
    global _info
    # The parent may use all processors while workers load: one thread each.
    penlight.set_num_threads(1)
    penlight.manual_seed(seed)
    random.seed(seed)
    _info = WorkerInfo(number, loader.num_workers, seed, loader.dataset)
    fetch = None
    while (task := tasks.get()) is not None:
        place, indices = task
        try:
            if fetch is None:
                from penlight.utils.data.dataloader import Fetcher

                if loader.worker_init_fn is not None:
                    loader.worker_init_fn(number)
                fetch = Fetcher(loader)
            batch = fetch(indices)
        except StopIteration:
            batch = _End()
        except Exception as error:
            batch = _Failure(error, number)
        results.put((place, batch))


def batches(loader, base_seed):
    """The loader's batches in order, computed by its workers."""
    context = loader.multiprocessing_context
    if context is None or isinstance(context, str):
        context = multiprocessing.get_context(context)
    results = context.Queue()
    workers = []
    for number in range(loader.num_workers):
        tasks = context.SimpleQueue()
        process = context.Process(
            target=_work, args=(loader, number, base_seed + number, tasks, results), daemon=True
        )
        process.start()
        workers.append((process, tasks))
    return _ordered(loader, workers, results)


def _ordered(loader, workers, results):
    try:
        indices = iter(loader._index_sampler)
        active = list(range(len(workers)))  # workers that may still have samples
        turn = 0
        sent = received = 0
        owner = {}
        waiting = {}

        def send():
            nonlocal turn, sent
            if not active:
                return False
            try:
                task = next(indices)
            except StopIteration:
                return False
            number = active[turn % len(active)]
            turn += 1
            workers[number][1].put((sent, task))
            owner[sent] = number
            sent += 1
            return True

        for _ in range(loader.prefetch_factor * len(workers) or 1):
            if not send():
                break
        while received < sent:
            while received not in waiting:
                place, batch = _receive(loader, workers, results)
                waiting[place] = batch
            batch = waiting.pop(received)
            number = owner.pop(received)
            received += 1
            if isinstance(batch, _Failure):
                batch.raise_again()
            if isinstance(batch, _End):
                if number in active:
                    active.remove(number)
                send()
                continue
            send()
            yield batch
    finally:
        for process, tasks in workers:
            if process.is_alive():
                tasks.put(None)
        for process, _ in workers:
            process.join(timeout=5 * _POLL_SECONDS)
            if process.is_alive():
                process.terminate()
        results.close()


def _receive(loader, workers, results):
    deadline = time.monotonic() + loader.timeout if loader.timeout > 0 else None
    while True:
        wait = (
            _POLL_SECONDS if deadline is None else max(0.0, min(_POLL_SECONDS, deadline - time.monotonic()))
        )
        try:
            return results.get(timeout=wait)
        except queue.Empty:
            dead = [str(process.pid) for process, _ in workers if not process.is_alive()]
            if dead:
                raise RuntimeError(
                    f"DataLoader worker (pid(s) {', '.join(dead)}) exited unexpectedly"
                ) from None
            if deadline is not None and time.monotonic() >= deadline:
                raise RuntimeError(f"DataLoader timed out after {loader.timeout} seconds") from None
