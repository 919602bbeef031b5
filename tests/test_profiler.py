"""profiler: what it lists is what ran."""

import json
import threading

import pytest

import penlight
from penlight import nn, profiler


def run_net():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 5))
    x, labels = penlight.randn(4, 1, 8, 8), penlight.arange(4)
    nn.functional.cross_entropy(net(x), labels).backward()


def test_operations_and_nodes_are_listed_with_shapes_bytes_and_flops():
    with profiler.profile(record_shapes=True, profile_memory=True, with_flops=True) as taken:
        run_net()
    rows = {row.key: row for row in taken.key_averages()}
    assert rows["conv2d"].count == 1 and rows["AccumulateGrad"].count == 4
    conv = next(e for e in taken.events() if e.name == "conv2d")
    assert conv.input_shapes[:3] == [[4, 1, 8, 8], [2, 1, 3, 3], [2]]
    assert conv.self_cpu_memory_usage == 4 * 4 * 2 * 36
    assert conv.flops == 2 * 4 * 2 * 36 * 9
    assert rows["linear"].flops == 2 * 4 * 72 * 5
    assert {"ConvolutionBackward0", "ReluBackward0", "AddmmBackward0"} <= rows.keys()
    backward = next(e for e in taken.events() if e.name == "backward")
    assert {"ConvolutionBackward0", "NllLossBackward0"} <= {e.name for e in backward.cpu_children}


def test_nothing_is_listed_before_and_after():
    x = penlight.ones(3)
    x.exp()
    with profiler.profile() as taken:
        x.sin()
        x.size()
        x.dtype  # noqa: B018
    x.cos()
    assert [e.name for e in taken.events()] == ["sin"]


def test_times_nest_and_add_up():
    with profiler.profile() as taken, profiler.record_function("outer"):
        with profiler.record_function("inner"):
            penlight.ones(1000).exp()
        penlight.ones(1000).sin()
    events = {e.name: e for e in taken.events()}
    outer, inner = events["outer"], events["inner"]
    assert (
        inner.cpu_parent is outer and events["exp"].cpu_parent is inner and events["sin"].cpu_parent is outer
    )
    assert outer.self_cpu_time_total == pytest.approx(
        outer.cpu_time_total - sum(child.cpu_time_total for child in outer.cpu_children)
    )
    assert taken.events().self_cpu_time_total == pytest.approx(outer.cpu_time_total)
    assert outer.time_range.start <= inner.time_range.start <= inner.time_range.end <= outer.time_range.end


def test_operators_and_functions_have_plain_names():
    x, y = penlight.ones(2, 2), penlight.ones(2, 2)
    with profiler.profile() as taken:
        _ = x * y + 1
        _ = 2 - x
        _ = x @ y
        _ = x[0]
        x += 1
        penlight.add(x, y)
    names = [e.name for e in taken.events()]
    assert names == ["mul", "add", "rsub", "matmul", "getitem", "iadd", "add"]


def test_other_threads_are_seen():
    with profiler.profile() as taken:
        thread = threading.Thread(target=lambda: penlight.ones(3).exp())
        thread.start()
        thread.join()
        penlight.ones(3).sin()
    by_name = {e.name: e for e in taken.events()}
    assert by_name["exp"].thread != by_name["sin"].thread


def test_an_error_inside_is_raised_and_the_profile_ends():
    x, y = penlight.ones(2), penlight.ones(3)
    with pytest.raises(RuntimeError), profiler.profile() as taken:
        x.exp()
        x @ y
    assert [e.name for e in taken.events()] == ["exp"]
    with profiler.profile(), pytest.raises(RuntimeError, match="cannot be nested"), profiler.profile():
        pass


def test_the_table_names_every_row_and_sorts():
    with profiler.profile(record_shapes=True, with_stack=True) as taken:
        for _ in range(3):
            penlight.ones(4).exp()
        run_net()
    rows = taken.key_averages()
    lines = rows.table(sort_by="count").splitlines()
    counts = [
        next(row.count for row in rows if row.key == line.split()[0]) for line in lines[3 : 3 + len(rows)]
    ]
    assert counts == sorted(counts, reverse=True) and counts[0] >= 3
    assert "Self CPU time total" in lines[-1]
    assert all(row.key in rows.table(row_limit=1000) for row in rows)
    grouped = taken.key_averages(group_by_input_shape=True)
    assert len(grouped) >= len(rows)
    assert any("test_profiler" in event.stack[0] for event in taken.events() if event.stack)


def test_a_schedule_records_the_steps_it_says_and_hands_over_each_turn():
    traces = []
    plan = profiler.schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1)
    with profiler.profile(
        schedule=plan, on_trace_ready=lambda p: traces.append([e.name for e in p.events()])
    ) as taken:
        for step in range(12):
            (penlight.ones(2).exp if step % 2 else penlight.ones(2).sin)()
            taken.step()
    assert len(traces) == 2
    steps = [[int(n.split("#")[1]) for n in names if n.startswith("ProfilerStep")] for names in traces]
    assert steps == [[3, 4], [7, 8]]
    assert [n for n in traces[0] if n in ("exp", "sin")] == ["exp", "sin"]


def test_traces_are_json_for_perfetto(tmp_path):
    with profiler.profile(record_shapes=True, with_stack=True) as taken:
        run_net()
    taken.add_metadata("net", "small")
    taken.export_chrome_trace(str(tmp_path / "trace.json"))
    trace = json.loads((tmp_path / "trace.json").read_text())
    names = [e["name"] for e in trace["traceEvents"] if e["ph"] == "X"]
    assert "conv2d" in names and trace["net"] == "small"
    assert all(e["dur"] >= 0 for e in trace["traceEvents"] if e["ph"] == "X")
    taken.export_chrome_trace(str(tmp_path / "trace.json.gz"))
    assert (tmp_path / "trace.json.gz").read_bytes()[:2] == b"\x1f\x8b"
    taken.export_stacks(str(tmp_path / "stacks.txt"))
    assert "test_profiler" in (tmp_path / "stacks.txt").read_text()
    profiler.tensorboard_trace_handler(str(tmp_path / "folder"))(taken)
    assert len(list((tmp_path / "folder").iterdir())) == 1


def test_the_older_name_does_the_same():
    with penlight.autograd.profiler.profile() as taken:
        penlight.ones(3).exp()
    assert "exp" in taken.table() and taken.key_averages()[0].count == 1
    assert taken.total_average().count == 2
    with penlight.autograd.profiler.profile(enabled=False) as off:
        penlight.ones(3).exp()
    with pytest.raises(RuntimeError, match="finish"):
        off.table()


@pytest.mark.parametrize(
    "bad", [{"wait": -1, "warmup": 0, "active": 1}, {"wait": 0, "warmup": 0, "active": 0}]
)
def test_bad_schedules_are_named(bad):
    with pytest.raises(ValueError, match="schedule: "):
        profiler.schedule(**bad)
