"""Whole training steps: forward, loss, backward, optimizer."""

from benchmarks.case import Case, normal


def mnist_net(lib):
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
        nn.LogSoftmax(1),
    )


def lenet(lib):
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
        nn.LogSoftmax(1),
    )


def step(make_net, batch, make_optimizer, channels_last=False):
    def build(lib):
        net = make_net(lib)
        x, target = normal(lib, batch, 1, 28, 28), lib.arange(batch) % 10
        if channels_last:
            net, x = (value.to(memory_format=lib.channels_last) for value in (net, x))
        optimizer = make_optimizer(lib, net.parameters())
        loss = lib.nn.functional.nll_loss

        def run():
            optimizer.zero_grad()
            loss(net(x), target).backward()
            optimizer.step()

        return run

    return build


def adam(lib, parameters):
    return lib.optim.Adam(parameters, lr=1e-3)


def sgd(lib, parameters):
    return lib.optim.SGD(parameters, lr=1e-2)


def optimizer_step(make_optimizer):
    """The update alone: a million parameters in eight tensors."""

    def build(lib):
        parameters = [lib.nn.Parameter(normal(lib, 131072)) for _ in range(8)]
        for parameter in parameters:
            parameter.grad = normal(lib, 131072)
        return make_optimizer(lib, parameters).step

    return build


def cases():
    rows = [("mnist cnn b64 adam", mnist_net, 64, adam)]
    rows += [(f"lenet b{batch} sgd", lenet, batch, sgd) for batch in (1, 32, 64)]
    for name, net, batch, optimizer in rows:
        yield Case(
            "train",
            name,
            step(net, batch, optimizer),
            build_channels_last=step(net, batch, optimizer, channels_last=True),
        )
    others = {
        "sgd momentum": lambda lib, p: lib.optim.SGD(p, lr=1e-2, momentum=0.9, weight_decay=1e-4),
        "adamw amsgrad": lambda lib, p: lib.optim.AdamW(p, amsgrad=True),
        "rmsprop": lambda lib, p: lib.optim.RMSprop(p),
        "adagrad": lambda lib, p: lib.optim.Adagrad(p),
    }
    for name, make in others.items():
        yield Case("train", f"{name} step 1 Mi", optimizer_step(make))
    yield Case("train", "adam step 1 Mi", optimizer_step(adam), bytes=7 * 4 * 2**20)
    yield Case("train", "sgd step 1 Mi", optimizer_step(sgd), bytes=3 * 4 * 2**20)
