"""Tools written for PyTorch, unchanged, through ``penlight run``: they say what they say on PyTorch."""

import re
import subprocess
import sys

import pytest

pytest.importorskip("torch")

SCRIPTS = {
    "torchviz": """
        from torch import nn
        from torchviz import make_dot

        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x ** 3
            @staticmethod
            def backward(ctx, grad):
                return grad * 3 * ctx.saved_tensors[0] ** 2

        net = nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 4), nn.Tanh())
        y = Cube.apply(net(torch.randn(5, 2, 8))).pow(2).mean()
        print(make_dot(y, params=dict(net.named_parameters())).source)
        x = torch.ones(2, 3, requires_grad=True)
        print(make_dot((x.exp().sum(0) * x[0] - 2).max()).source)
    """,
    "torchinfo": """
        from torch import nn
        from torchinfo import summary

        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4)
            def forward(self, x):
                return torch.relu(self.norm(self.conv(x))) + x

        net = nn.Sequential(nn.Conv2d(1, 4, (3, 5)), Block(), Block(), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(),
                            nn.Linear(36, 10))
        columns = ("input_size", "output_size", "num_params", "params_percent", "kernel_size", "mult_adds", "trainable")
        print(summary(net, input_size=(2, 1, 8, 10), col_names=columns, depth=3, verbose=0))
        print(summary(nn.Sequential(nn.Conv1d(2, 3, 3), nn.Flatten(), nn.Linear(18, 1)), (1, 2, 8), verbose=0))
        attend = nn.MultiheadAttention(8, 2)
        print(summary(attend, input_data=[torch.randn(4, 1, 8)] * 3, verbose=0))
    """,
    "einops": """
        from einops import einsum, pack, rearrange, reduce, repeat, unpack
        from einops.layers.torch import Rearrange, Reduce

        x = torch.randn(2, 3, 4, 6, requires_grad=True)
        print(rearrange(x, "b c (h s) w -> b (c s) h w", s=2).sum(-1))
        print(reduce(x, "b c h w -> b c", "mean"), reduce(x, "b c (h 2) (w 2) -> b c h w", "max").shape)
        print(repeat(x[0, 0], "h w -> (r h) w", r=2).shape)
        print(einsum(x, x, "b c h w, b d h w -> b c d").detach())
        net = torch.nn.Sequential(Rearrange("b c h w -> b (c h w)"), torch.nn.Linear(72, 2), Reduce("b k -> b", "max"))
        y = net(x)
        y.sum().backward()
        print(y, net, x.grad.abs().sum())
        packed, shapes = pack([x, x[:, :, 0]], "b c *")
        print(packed.shape, shapes, [part.shape for part in unpack(packed, shapes, "b c *")])
    """,
}


def printed(command, tmp_path):
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    seen = {}
    # torchviz names nodes by id(): by the order of their appearance they are the same.
    return re.sub(r"\b\d{10,}\b", lambda found: seen.setdefault(found[0], f"n{len(seen)}"), done.stdout)


@pytest.mark.parametrize("tool", SCRIPTS)
def test_an_unchanged_tool_gives_the_same_result(tool, tmp_path):
    pytest.importorskip(tool)
    if tool == "torchviz":
        pytest.importorskip("graphviz")
    lines = SCRIPTS[tool].splitlines()[1:-1]
    script = tmp_path / "script.py"
    script.write_text(
        "\n".join(["import torch", "torch.manual_seed(0)", *(line[8:] for line in lines), ""]),
        encoding="utf-8",
    )
    own = printed([sys.executable, "-m", "penlight", "run", str(script)], tmp_path)
    expected = printed([sys.executable, str(script)], tmp_path)
    assert own == expected
    assert len(expected.splitlines()) > 10
