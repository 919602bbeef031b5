"""The page ``report.html``: one file, no network, every number from the run that wrote it."""

from collections.abc import Callable
from html import escape
from importlib import resources
from pathlib import Path

import penlight
from penlight import nn
from penlight.datasets import stereo_signal
from penlight.demo import flowchart, pictures
from penlight.demo import mathml as m
from penlight.demo.pictures import figure, tiles
from penlight.demo.svg import MINUS, number
from penlight.demo.train import BATCH_SIZE, LEARNING_RATE, Lesson

MOST_MISTAKES = 12
STEREO_START = 20  # where the window stands whose sum is worked out by hand


def write_report(lesson: Lesson, path: str | Path) -> None:
    """Writes the page for a trained net."""
    Path(path).write_text(page(lesson), encoding="utf-8")


def page(lesson: Lesson) -> str:
    """The whole page as text; the same lesson gives the same text."""
    sections: list[tuple[str, str, Callable[[Lesson], str]]] = [
        ("digits", "What it reads", _digits),
        ("curves", "Learning", _curves),
        ("kernels", "The kernels it learned", _kernels),
        ("maps", "What the kernels see", _maps),
        ("mistakes", "Where it errs", _mistakes),
        ("conv1d", "Two lanes in, sixteen out", _conv1d),
        ("autograd", "A gradient, by machine and by hand", _autograd),
        ("next", "Go on", _next),
    ]
    links = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _ in sections)
    body = "".join(
        f'<section id="{name}"><h2><span '
        f'class="count">{place}</span>{escape(title)}</h2>{write(lesson)}</section>'
        for place, (name, title, write) in enumerate(sections, 1)
    )
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>penlight: a convnet learns to read</title><style>{style}</style></head>"
        f"<body><main>{_head(lesson)}<nav>{links}</nav>{body}</main>{_foot()}</body></html>\n"
    )


def _head(lesson: Lesson) -> str:
    held = len(lesson.held_labels)
    times = "once" if lesson.epochs == 1 else f"{lesson.epochs} times"
    facts = [
        (f"{lesson.right / held:.1%}", f"of held-out digits read rightly: {lesson.right} of {held}"),
        (f"{lesson.parameter_count:,}", "parameters in the net"),
        (f"{lesson.train_count:,}", f"digits to learn from, each seen {times}"),
        (f"{lesson.seed}", "the seed: run it again and every number here is the same"),
    ]
    shown = "".join(f"<div><dt>{escape(value)}</dt><dd>{escape(words)}</dd></div>" for value, words in facts)
    return (
        '<header><p class="brand"><span class="beam" aria-hidden="true"></span>penlight</p>'
        "<h1>A convnet learns to read</h1>"
        '<p class="lead">A small net saw handwritten digits, guessed, and was corrected until it could read '
        "digits it had never seen. This page shows what happened inside.</p>"
        f'<dl class="facts">{shown}</dl></header>'
    )


def _digits(lesson: Lesson) -> str:
    said = lesson.held_scores.argmax(1).tolist()
    labels = lesson.held_labels.tolist()
    shown = [i for wanted in range(10) for i in [_first(labels, said, wanted)] if i is not None]
    row = tiles(
        [pictures.digit(lesson.held_images[i], f"{labels[i]}") for i in shown],
        "One held-out digit of each kind: " + ", ".join(str(labels[i]) for i in shown),
    )
    shapes = "".join(
        f"<tr><td><b>{escape(name)}</b> <code>{escape(repr(layer))}</code></td>"
        f"<td class=right>{escape(_by(shape))}</td><td class=right>{count:,}</td></tr>"
        for name, layer, shape, count in _layers(lesson)
    )
    return (
        "<p>Each picture is 8 × 8 numbers from 0 (paper) to 1 (ink). The net gets the numbers and gives ten "
        "scores, one for each digit; the highest is its answer.</p>"
        + figure(row, "Digits the net was tested on and never learned from.")
        + '<div class="scroll"><table><caption>The net, layer by layer, for one image of 1 × 8 × 8</caption>'
        "<thead><tr><th>layer</th><th class=right>gives</th><th class=right>parameters</th></tr></thead>"
        f"<tbody>{shapes}</tbody></table></div>"
        "<p>A convolution of kernel size 3 with one row of padding on every side keeps the size:</p>"
        + _output_size(lesson.net.conv1, lesson.held_images.shape[-1])
    )


def _curves(lesson: Lesson) -> str:
    history = lesson.history
    loss = pictures.curves(
        [("learning", "values", history.train_losses), ("held out", "gradients", history.held_losses)],
        title="Loss",
        log=True,
    )
    accuracy = pictures.curves(
        [
            ("learning", "values", history.train_accuracies),
            ("held out", "gradients", history.held_accuracies),
        ],
        title="Accuracy",
        percent=True,
    )
    rows = "".join(
        f"<tr><td>{epoch}</td><td class=right>{train_loss:.6f}</td><td class=right>{held_loss:.6f}</td>"
        f"<td class=right>{train:.2%}</td><td class=right>{held:.2%}</td></tr>"
        for epoch, (train_loss, held_loss, train, held) in enumerate(
            zip(
                history.train_losses,
                history.held_losses,
                history.train_accuracies,
                history.held_accuracies,
                strict=True,
            ),
            1,
        )
    )
    return (
        f"<p>After every {BATCH_SIZE} digits the net's weights took a small step against the gradient of its "
        f"loss (Adam, learning rate {number(LEARNING_RATE)}). The loss is the cross-entropy: minus the "
        "logarithm of the share the net gave to the right digit.</p>"
        '<div class="pair">'
        + figure(
            loss, "The lower the better. The scale is logarithmic: each line is ten times the one below."
        )
        + figure(
            accuracy, "The share of digits read rightly. While learning, it is counted before each step."
        )
        + "</div><details><summary>The numbers</summary>"
        '<div class="scroll"><table><thead><tr><th>epoch</th><th class=right>loss, learning</th>'
        "<th class=right>loss, held out</th><th class=right>accuracy, learning</th>"
        f"<th class=right>accuracy, held out</th></tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _kernels(lesson: Lesson) -> str:
    pairs = pictures.kernel_pairs(lesson.first_kernels, lesson.net.conv1.weight.detach())
    return (
        "<p>The first layer slides sixteen kernels of 3 × 3 weights over the image. They started as random "
        "numbers (left) and became detectors of strokes and edges (right), only because that made the loss "
        "smaller.</p>"
        + figure(
            pairs,
            'Each pair is one kernel before and after learning. <span class="warm-word">Amber</span> weights '
            "are "
            'positive, <span class="cold-word">blue</span> ones negative, and zero is the colour of the '
            "page.",
        )
    )


def _maps(lesson: Lesson) -> str:
    labels, said = lesson.held_labels.tolist(), lesson.held_scores.argmax(1).tolist()
    place = _first(labels, said, 3)
    place = 0 if place is None else place
    image, wanted = lesson.held_images[place], labels[place]
    net = lesson.net
    with penlight.no_grad():
        first = net[:2](image[None])[0]
        second = net[:4](image[None])[0]
        pooled = net[:5](image[None])[0]
        shares = net(image[None]).softmax(1)[0].tolist()
    answer = max(range(10), key=shares.__getitem__)
    return (
        f"<p>Here is what one held-out digit, a {wanted}, turns into on its way through the net. The "
        "stronger the colour of a point, the more its kernel found there what it looks for.</p>"
        + '<div class="maps">'
        + figure(
            tiles([pictures.digit(image, "", 18)], f"The digit {wanted}, the input"),
            "In: 1 × 8 × 8",
            "map-in",
        )
        + figure(
            pictures.feature_maps(first, "16 feature maps after the first convolution", "eight"),
            "After conv1 and ReLU: 16 × 8 × 8",
            "map-first",
        )
        + figure(
            pictures.feature_maps(second, "32 feature maps after the second convolution", "sixteen"),
            "After conv2 and ReLU: 32 × 8 × 8",
            "map-second",
        )
        + figure(
            pictures.feature_maps(pooled, "32 feature maps after pooling", "eight"),
            "After max pooling: 32 × 4 × 4. The largest of every 2 × 2 points stays.",
            "map-pooled",
        )
        + figure(
            pictures.certainty_bars(shares, answer),
            f"Out: how sure the net is of each digit (the softmax of its scores). Its answer is {answer}.",
            "map-out",
        )
        + "</div>"
    )


def _mistakes(lesson: Lesson) -> str:
    shares = lesson.held_scores.softmax(1)
    labels, said, certain = lesson.held_labels.tolist(), shares.argmax(1).tolist(), shares.amax(1).tolist()
    wrong = [i for i in range(len(labels)) if labels[i] != said[i]]
    if wrong:
        words = f"{len(wrong)} of {len(labels)} held-out digits were misread."
        shown = sorted(wrong, key=lambda i: -certain[i])[:MOST_MISTAKES]
        if len(shown) < len(wrong):
            words += f" These are the {len(shown)} it was surest of."
        caption = "What was written, and what the net read, with how sure it was."
    else:
        words = (
            f"None of the {len(labels)} held-out digits was misread. These are the ones it was least sure of."
        )
        shown = sorted(range(len(labels)), key=lambda i: certain[i])[:MOST_MISTAKES]
        caption = "What was written, and what the net read, with how sure it was."
    cards = [
        pictures.digit(
            lesson.held_images[i],
            f"<b>{labels[i]}</b> read as <b>{said[i]}</b><br><small>{certain[i]:.0%} sure</small>",
            10,
        )
        for i in shown
    ]
    told = "; ".join(f"a {labels[i]} read as {said[i]}" for i in shown)
    return f"<p>{words} Would you have read them?</p>" + figure(tiles(cards, f"Digits: {told}"), caption)


def _conv1d(lesson: Lesson) -> str:
    penlight.manual_seed(lesson.seed)
    conv = nn.Conv1d(2, 16, 3)
    signal = stereo_signal(seed=lesson.seed)
    with penlight.no_grad():
        out = conv(signal[None])[0]
    start = STEREO_START
    weight, bias = conv.weight.detach(), conv.bias.detach()
    taps = [
        (name, start + k, weight[0, channel, k].item(), signal[channel, start + k].item())
        for channel, name in enumerate(("left", "right"))
        for k in range(weight.shape[2])
    ]
    total = sum(w * x for _, _, w, x in taps) + bias[0].item()
    machine = out[0, start].item()
    rows = "".join(
        f"<tr><td>{name}, t = {t}</td><td class=right>{_number(w)}</td><td class=right>× {_number(x)}</td>"
        f"<td class=right>{_number(w * x)}</td></tr>"
        for name, t, w, x in taps
    )
    return (
        f"<p><code>{escape(repr(conv))}</code> takes a stereo signal, two channels of {signal.shape[1]} "
        f"samples, to sixteen new ones. Its weight has shape {_by(weight.shape)}: sixteen kernels, each with "
        "three numbers for the left channel and three for the right. Its bias has shape 16.</p>"
        '<div class="pair">'
        + figure(
            pictures.lanes(signal, ("left", "right"), (start, weight.shape[2])),
            f"In: {_by(signal.shape)}. The marked window holds the six numbers under a kernel at t = "
            f"{start}.",
        )
        + "<div><p>Each kernel slides over both lanes at once and writes one. The lane gets shorter, "
        f"because the kernel must fit inside: {signal.shape[1]} samples have {out.shape[1]} places for a "
        f"kernel of {weight.shape[2]}.</p>{_output_size(conv, signal.shape[1])}</div></div>"
        + figure(
            pictures.conv1d_rows(weight, bias, out, start),
            "Sixteen kernels with their biases, as they start out before any learning, and out: "
            f"{_by(out.shape)}, the sample t = {start} of lane 0 dotted.",
        )
        + f"<h3>One number by hand</h3><p>The sample t = {start} of lane 0: six products, and the bias.</p>"
        '<div class="scroll"><table class="byhand"><thead><tr><th>from</th><th class=right>weight</th>'
        f"<th class=right>sample</th><th class=right>product</th></tr></thead><tbody>{rows}"
        f"<tr><td>bias</td><td></td><td></td><td class=right>{_number(bias[0].item())}</td></tr>"
        f"<tr><th>sum</th><td></td><td></td><td class=right><b>{_number(total)}</b></td></tr>"
        f'<tr><th>penlight</th><td></td><td></td><td class="right values"><b>{_number(machine)}</b></td></tr>'
        f"</tbody></table></div><p>{_verdict(abs(total - machine) <= 1e-6)}</p>"
    )


def _autograd(lesson: Lesson) -> str:
    x = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    steps = flowchart.mean_of_squares(x)
    inputs, machine = x.detach().tolist(), x.grad.tolist()
    by_hand = [[1.5 * (value - 2) for value in line] for line in inputs]
    count = x.numel()
    code = (
        "import penlight as torch\n\nx = torch.tensor([[1., 2.], [3., 4.]], requires_grad=True)\ny = x - 2\n"
    )
    code += "z = 3 * y ** 2\na = z.mean()\na.backward()\nprint(x.grad)"
    x_i, y_i, z_i = (m.index(name, "i") for name in "xyz")
    one_of_all = m.fraction("1", str(count))
    hand = [
        ("The mean of four numbers, each three times a square:", m.formula(
            "a =", one_of_all, "<munder><mo>∑</mo><mi>i</mi></munder>", z_i, ",",
            z_i, "= 3", m.power(y_i, "2"), ",", y_i, "=", x_i, MINUS, "2")),
        ("One step at a time, from the result back:", m.formula(
            m.slope("a", z_i), "=", one_of_all, ",", m.slope(z_i, y_i), "= 6", y_i, ",",
            m.slope(y_i, x_i), "= 1")),
        ("The chain rule multiplies them:", m.formula(
            m.slope("a", x_i), "=", one_of_all, "· 6", y_i, "· 1 =", m.fraction("3", "2"),
            "(", x_i, MINUS, "2 )")),
        ("With the numbers put in:", m.formula(
            m.fraction("3", "2"), m.tall("("), m.matrix(inputs), MINUS, "2", m.tall(")"), "=",
            m.matrix(by_hand))),
        ("And the machine's <code>x.grad</code>:", m.formula(m.matrix(machine))),
    ]  # fmt: skip
    derivation = "".join(f'<li>{words}<div class="scroll">{shown}</div></li>' for words, shown in hand)
    return (
        "<p>While these lines run, penlight records what was done. Then <code>a.backward()</code> walks the "
        "record from the end to the start and multiplies the slopes. Nothing below is drawn from memory: "
        f"the chart was read from the recorded graph.</p><pre><code>{escape(code)}</code></pre>"
        '<div class="pair top">'
        + figure(
            flowchart.draw(steps),
            '<span class="values">Values</span> run down, <span class="gradients">gradients</span> run up; '
            "beside each arrow up stands the node of the graph that carries the gradient across.",
        )
        + f'<div><h3>By hand</h3><ol class="derivation">{derivation}</ol>'
        f'<p class="verdict">{_verdict(by_hand == machine)}</p></div></div>'
    )


def _next(lesson: Lesson) -> str:
    code = (
        "import penlight as torch\nfrom penlight.datasets import digits_split\nfrom penlight.demo import "
        "make_net\n\n"
        'net = make_net()\nnet.load_state_dict(torch.load("digits.safetensors"))\n'
        f"_, _, images, labels = digits_split(seed={lesson.seed})\n"
        "print((net(images).argmax(1) == labels).sum())"
    )
    return (
        "<p>The weights lie beside this page. Load them and ask the net "
        f"yourself:</p><pre><code>{escape(code)}</code></pre><ul><li>Another seed, another net: "
        "<code>penlight demo --seed 1</code>. How much does the accuracy move?</li><li>Fewer rounds: "
        "<code>penlight demo --epochs 2</code>. Which digits are learned last?</li><li>Change the net: the "
        "whole training script is one short file, <code>penlight/demo/train.py</code>. Can you lose half of "
        "the parameters and keep the accuracy?</li><li>Run a PyTorch script you already have: "
        "<code>penlight run script.py</code>.</li></ul>"
    )


def _foot() -> str:
    return (
        f"<footer><p>Written by penlight {escape(penlight.__version__)}. The digits: E. Alpaydin and C. "
        "Kaynak (1998), <i>Optical Recognition of Handwritten Digits</i>, UCI Machine Learning Repository, "
        "doi:10.24432/C50P49, licence CC BY 4.0 (scaled to 0…1 here).</p></footer>"
    )


def _layers(lesson: Lesson):
    """Each layer's name, itself, the shape it gives for one image, and its number of parameters."""
    x = lesson.held_images[:1]
    with penlight.no_grad():
        for name, layer in lesson.net.named_children():
            x = layer(x)
            yield name, layer, x.shape[1:], sum(p.numel() for p in layer.parameters())


def _output_size(conv: nn.Module, length: int) -> str:
    """The size formula of a convolution along its last axis, in letters and with its numbers put in."""
    kernel, stride, padding, dilation = (
        getattr(conv, name)[-1] for name in ("kernel_size", "stride", "padding", "dilation")
    )
    size = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    letters = m.formula("out = ⌊", m.fraction(f"in + 2 p {MINUS} d ( k {MINUS} 1 ) {MINUS} 1", "s"), "⌋ + 1")
    numbers = m.formula(
        "= ⌊",
        m.fraction(
            f"{length} + 2 · {padding} {MINUS} {dilation} ( {kernel} {MINUS} 1 ) {MINUS} 1", f"{stride}"
        ),
        f"⌋ + 1 = {size}",
    )
    words = f"kernel size k = {kernel}, stride s = {stride}, padding p = {padding}, dilation d = {dilation}"
    return f'<div class="formula scroll">{letters}{numbers}<p>{words}</p></div>'


def _first(labels: list[int], said: list[int], wanted: int) -> int | None:
    """The first digit of a kind, one that was read rightly if there is one."""
    kind = [i for i, label in enumerate(labels) if label == wanted]
    return next((i for i in kind if said[i] == wanted), kind[0] if kind else None)


def _verdict(same: bool) -> str:
    if same:
        return '<span class="good">✓ They agree.</span>'
    return '<span class="bad">✗ They differ.</span>'


def _by(shape) -> str:
    return " × ".join(map(str, shape))


def _number(value: float) -> str:
    return f"{value:.4f}".replace("-", MINUS)
