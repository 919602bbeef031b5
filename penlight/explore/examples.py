"""The lesson's examples, to run and to change."""

from __future__ import annotations

from textwrap import dedent

_EXAMPLES = [
    (
        "Two lanes in, sixteen out",
        "A stereo signal under a Conv1d. Try another kernel size: how long is the output?",
        """
        from penlight.datasets import stereo_signal

        conv = nn.Conv1d(2, 16, 3)
        signal = stereo_signal()[None]
        print("weight", tuple(conv.weight.shape), "bias", tuple(conv.bias.shape))
        print(tuple(signal.shape), "to", tuple(conv(signal).shape))
        viz.conv(conv, signal)
        """,
    ),
    (
        "An image of twenty channels",
        "A weight has four dimensions: outputs, inputs, rows, columns.",
        """
        rows, columns = torch.meshgrid(torch.linspace(-3, 3, 64), torch.linspace(-6, 6, 128), indexing="ij")
        waves = [torch.sin(rows * i / 4) * torch.cos(columns * (21 - i) / 8) for i in range(1, 21)]
        image = torch.stack(waves)[None]
        conv = nn.Conv2d(20, 16, (3, 5), padding=(1, 2))
        print(tuple(image.shape), "to", tuple(conv(image).shape))
        viz.conv(conv, image)
        """,
    ),
    (
        "Edges by hand",
        "A kernel that answers to what changes from left to right. What must it be for top to bottom?",
        """
        image = torch.zeros(1, 10, 10)
        image[:, 3:7, 3:7] = 1
        kernel = torch.tensor([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]])
        viz.conv({"weight": kernel, "padding": 1}, image)
        """,
    ),
    (
        "The matrix of a convolution",
        "Its rows are the kernel, shifted. Its transpose carries the gradient back.",
        """
        weight = torch.tensor([[[1.0, 2.0, 3.0]]])
        A = explain.conv_matrix({"weight": weight}, 7)
        print(A.toarray())

        x = torch.tensor([[1.0, 0, 2, -1, 3, 0, 1]], requires_grad=True)
        y = nn.functional.conv1d(x, weight)
        print("A @ x    ", A @ x.detach().numpy().ravel())
        print("conv     ", y.detach().numpy().ravel())
        y.sum().backward()
        print("A.T @ 1  ", A.T @ torch.ones(5).numpy())
        print("gradient ", x.grad.numpy().ravel())
        viz.conv({"weight": weight}, x)
        """,
    ),
    (
        "Causal, dilated",
        "No output reads what comes later, and four taps reach over ten samples.",
        """
        signal = torch.sin(torch.arange(24.0) / 2)[None]
        viz.conv({"kernel_size": 4, "dilation": 3, "padding": "causal"}, signal)
        """,
    ),
    (
        "Backwards: transposed",
        "A transposed convolution spreads every input over the output.",
        """
        viz.conv(nn.ConvTranspose1d(1, 1, 3, stride=2), torch.tensor([[1.0, 3, -2, 4, 0, 5]]))
        """,
    ),
    (
        "A gradient, step by step",
        "The 2 × 2 example: how da/dx comes to be 3/2 (x − 2).",
        """
        x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        y = x - 2
        z = 3 * y**2
        a = z.mean()
        show(viz.graph(a, gradients=True))
        show(explain.backward(a))
        print(explain.derive(a, x))
        """,
    ),
    (
        "A graph that is another at every run",
        "The loop doubles until the norm is large enough. Change x.",
        """
        x = torch.tensor([0.3, -1.2, 0.7], requires_grad=True)
        y = x * 2
        while y.data.norm() < 30:
            y = y * 2
        show(viz.graph(y))
        y.backward(torch.tensor([0.1, 1.0, 0.0001]))
        print(x.grad)
        """,
    ),
    (
        "w @ x",
        "Who asks for a gradient gets one.",
        """
        x = torch.arange(1.0, 4, requires_grad=True)
        w = torch.ones(3, requires_grad=True)
        z = w @ x
        show(viz.graph(z, gradients=True))
        z.backward()
        print(x.grad, w.grad)
        """,
    ),
    (
        "Your own functions",
        "The split's gradients are added, the max's goes to the winner.",
        """
        class Split(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.clone(), x.clone()

            @staticmethod
            def backward(ctx, first, second):
                return first + second

        class Max(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.first = x > y
                return torch.where(ctx.first, x, y)

            @staticmethod
            def backward(ctx, grad):
                return torch.where(ctx.first, grad, 0), torch.where(ctx.first, 0, grad)

        x = torch.tensor([1.0, 5.0], requires_grad=True)
        y = torch.tensor([4.0, 2.0], requires_grad=True)
        a, b = Split.apply(x)
        out = (Max.apply(a * 3, y) + b).sum()
        show(explain.backward(out))
        """,
    ),
    (
        "A net for digits",
        "Layers, kernels, and what they see of a digit.",
        """
        from penlight.datasets import digits_split

        images = digits_split(seed=0)[0]
        net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(64, 10))
        show(viz.summary(net, images[:1]))
        show(viz.feature_maps(net, images[:1]))
        """,
    ),
]


def examples() -> list[dict[str, str]]:
    """Each with a ``title``, ``words`` and ``code``."""
    return [
        {"title": title, "words": words, "code": dedent(code).strip() + "\n"}
        for title, words, code in _EXAMPLES
    ]
