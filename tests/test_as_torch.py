"""``penlight run`` and ``install_as_torch``: unchanged PyTorch scripts, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import penlight

HOME = str(Path(penlight.__file__).parents[1])


def python(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": HOME}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.fixture
def script(tmp_path):
    def write(text, name="lesson.py"):
        path = tmp_path / name
        path.write_text(dedent(text))
        return path

    return write


def run(path, *arguments, **options):
    return python("-m", "penlight", "run", path, *arguments, **options)


def output(result):
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_modules_of_torch_are_those_of_penlight(script):
    path = script("""
        import penlight, sys
        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        import torch.optim as optim
        from torch import Tensor, nn as nn2
        from torch.autograd import Function
        from torch.utils.data import DataLoader, TensorDataset
        import torch.backends.cudnn as cudnn
        import penlight.utils.data

        assert torch is penlight and nn is penlight.nn and nn2 is nn and F is penlight.nn.functional
        assert optim is penlight.optim and Function is penlight.autograd.Function
        assert DataLoader is penlight.utils.data.DataLoader and Tensor is penlight.Tensor
        assert sys.modules["torch.nn"] is sys.modules["penlight.nn"]
        assert torch.__name__ == torch.__spec__.name == "penlight" and nn.__spec__.name == "penlight.nn"
        cudnn.benchmark = True
        assert torch.backends.cudnn.benchmark
        print("all the same")
    """)
    assert output(run(path)) == "all the same\n"


def test_training_script_runs_unchanged(script):
    path = script("""
        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        from torch.utils.data import DataLoader, TensorDataset

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(0)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv1d(1, 4, 3, padding=1)
                self.head = nn.Linear(4 * 8, 2)

            def forward(self, x):
                return self.head(F.relu(self.conv(x)).flatten(1))

        x = torch.randn(64, 1, 8)
        y = (x.sum((1, 2)) > 0).long()
        net = Net().to(device)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for epoch in range(30):
            for images, labels in DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(net(images.to(device)), labels.to(device))
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            print((net(x).argmax(1) == y).float().mean().item() > 0.9)
    """)
    assert output(run(path)) == "True\n"


PROGRAM = """
    import sys
    from helper import triple

    print(sys.argv, __file__, __name__, sys.path[0], __spec__, __doc__, triple(2))
    print(type(__builtins__).__name__, sys.modules["__main__"].triple is triple)
"""


def test_script_sees_what_python_would_show_it(script):
    script("def triple(x): return 3 * x", "helper.py")
    path = script(PROGRAM)
    arguments = ["a", "--epochs", "3", "-h", "--", "-x"]
    assert output(run(path, *arguments)) == output(python(path, *arguments))


def test_relative_path(script):
    script("def triple(x): return 3 * x", "helper.py")
    path = script(PROGRAM)
    assert output(run(path.name, cwd=path.parent)) == output(python(path.name, cwd=path.parent))


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit(3)",
        "import sys; sys.exit('bad luck')",
        "raise SystemExit",
        "def f(x):\n    return 1 / x\n\nprint('before')\nf(0)\n",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('then')\n",
        "x = (1,\n",
        "open('/no/such/file')",
        "import no_such_module",
        "print('caf\\u00e9')",
        "import sys; sys.excepthook = lambda *e: print('hook', e[0].__name__); 1 / 0",
        "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))))",
        "import atexit; atexit.register(print, 'at exit'); raise KeyError('k')",
    ],
)
def test_ends_as_under_python(script, text):
    path = script(text)
    here, there = run(path), python(path)
    assert (here.returncode, here.stdout, here.stderr) == (there.returncode, there.stdout, there.stderr)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import torch.distributed.rpc", "penlight has no module 'torch.distributed'"),
        ("import torch.no_such", "ModuleNotFoundError: penlight has no module 'torch.no_such'"),
        ("from torch.nn.no_such import Thing", "penlight has no module 'torch.nn.no_such'"),
        ("import torch; torch.no_such", "module 'penlight' has no attribute 'no_such'"),
        ("from torch import no_such", "cannot import name 'no_such' from 'penlight'"),
        ("import torch; torch.nn.NoSuch", "module 'penlight.nn' has no attribute 'NoSuch'"),
    ],
)
def test_what_penlight_has_not_is_named(script, text, message):
    result = run(script(text))
    assert result.returncode == 1
    assert message in result.stderr


def test_missing_script():
    result = run("no_such_script.py")
    assert result.returncode == 2
    assert result.stderr == "penlight run: can't open 'no_such_script.py': No such file or directory\n"


def test_nothing_is_served_unless_asked_for(script):
    path = script("""
        import sys
        finders = list(sys.meta_path)
        import penlight, penlight.nn, penlight.cli
        assert sys.meta_path == finders and "torch" not in sys.modules
        print("untouched")
    """)
    assert output(python(path)) == "untouched\n"


def test_install_as_torch_in_a_program_of_ones_own(script):
    path = script("""
        import penlight
        penlight.install_as_torch()
        penlight.install_as_torch()
        import torch.nn.functional as F
        import torch
        print(torch is penlight, F is penlight.nn.functional)
    """)
    assert output(python(path)) == "True True\n"


def test_install_as_torch_refuses_to_mix_with_pytorch(script):
    path = script("""
        import sys, types
        sys.modules["torch"] = types.ModuleType("torch")
        import penlight
        try:
            penlight.install_as_torch()
        except RuntimeError as error:
            print(error)
    """)
    assert "before PyTorch" in output(python(path)) or "PyTorch's own import" in output(python(path))
