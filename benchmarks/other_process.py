"""A rival in a process of its own, stopped while others are timed.

JAX keeps threads that go on turning for a while after a call; in one process they would take the others' time.
"""

import json
import os
import signal
import subprocess
import sys


class OtherProcess:
    """Answers for one library's cases: which it can run, and the seconds that a number of calls take."""

    def __init__(self, library, threads):
        flags = f"--xla_cpu_multi_thread_eigen={'false' if threads == 1 else 'true'}"
        environment = {**os.environ, "XLA_FLAGS": flags, "NPROC": str(threads)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.other_process", library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.answer()

    def ask(self, **question):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the rival's process ended with code {self.process.wait()}")
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()

    def runner(self, title, builder):
        """Raises what kept the library from running the case, as the Case's builder makes it."""
        problem = self.ask(case=title, builder=builder)["problem"]
        if problem:
            raise NotImplementedError(problem)
        return Runner(self, title, builder)


class Runner:
    def __init__(self, process, title, builder):
        self.process, self.title, self.builder = process, title, builder

    def __call__(self):
        self.batch(1)

    def batch(self, calls):
        """Seconds a call, over so many calls."""
        return self.process.ask(case=self.title, builder=self.builder, calls=calls)["seconds"]


def serve(library):
    """The other end: a question a line, an answer a line."""
    import importlib

    from benchmarks import cases
    from benchmarks.measure import batch

    lib = importlib.import_module(library)
    known = {case.title: case for case in cases.all_cases()}
    runners = {}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        title, builder = question["case"], question["builder"]
        if "calls" in question:
            answer = {"seconds": batch(runners[title, builder], question["calls"])}
        else:
            if not any(kept == title for kept, _ in runners):
                runners.clear()
            problem = None
            try:
                runners[title, builder] = getattr(known[title], builder)(lib)
                runners[title, builder]()
            except Exception as error:  # whatever it is, the row says so and the others go on
                problem = f"{type(error).__name__}: {error}"
            answer = {"problem": problem}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
