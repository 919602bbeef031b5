"""Random programs with views, changes in place and backward passes do in penlight what they do in PyTorch.

``PENLIGHT_PROGRAMS=10000`` in the environment makes so many of them.
"""

import os

import pytest
from autograd import programs

import penlight

COUNT = int(os.environ.get("PENLIGHT_PROGRAMS", "1600"))
BLOCK = 200


@pytest.mark.parametrize("first", range(0, COUNT, BLOCK))
def test_programs_do_what_they_do_in_pytorch(first):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for seed in range(first, min(first + BLOCK, COUNT)):
            difference = programs.difference(programs.run(penlight, seed), programs.run(torch, seed))
            assert difference is None, f"program {seed}:\n{difference}"
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("seed", range(20))
def test_a_program_gives_the_same_lines_again(seed):
    assert programs.difference(programs.run(penlight, seed), programs.run(penlight, seed)) is None
