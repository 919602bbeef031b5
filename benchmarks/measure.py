"""Timing: the rivals of a case take turns, and the least of several rounds counts for each."""

import gc
import time


def alternate(runners, rounds=7, batch_seconds=0.02):
    """The least seconds a call takes, for each of a dict of callables.

    The callables take turns, so that what slows the machine for a while slows them alike. A round repeats a
    call until batch_seconds have passed; its best batch of calls counts, and the best round overall. A callable
    that times itself, in another process, has a method batch(calls).
    """
    calls = {name: _calls_per_batch(run, batch_seconds) for name, run in runners.items()}
    best = dict.fromkeys(runners, float("inf"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in runners.items():
                run()  # the first call after another library's finds cold caches and sleeping threads
                stop = time.perf_counter() + batch_seconds
                while True:
                    best[name] = min(best[name], batch(run, calls[name]))
                    if time.perf_counter() >= stop:
                        break
    finally:
        gc.enable()
    return best


def _calls_per_batch(run, batch_seconds):
    run()
    calls = 1
    while calls < 1 << 20:
        seconds = batch(run, calls) * calls
        if seconds >= batch_seconds / 8:
            break
        calls *= 4
    return calls


def batch(run, calls):
    """Seconds a call, over so many calls."""
    if hasattr(run, "batch"):
        return run.batch(calls)
    started = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - started) / calls
