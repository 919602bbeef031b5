"""Nets as functions of their parameters."""

import pytest

import penlight
from penlight import nn
from penlight.func import grad, replace_all_batch_norm_modules_, vmap


def test_a_net_without_running_statistics_is_mapped():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Sequential(nn.BatchNorm1d(2)))
    assert replace_all_batch_norm_modules_(net) is net
    for norm in (net[1], net[2][0]):
        assert norm.running_mean is norm.running_var is norm.num_batches_tracked is None
        assert not norm.track_running_stats
    batches = penlight.randn(4, 5, 3)
    mapped = vmap(grad(lambda x: (net(x) ** 3).sum()))(batches)
    one = batches[1].clone().requires_grad_()
    (net(one) ** 3).sum().backward()
    assert penlight.allclose(mapped[1], one.grad, rtol=1e-4, atol=1e-5)


def test_what_is_no_batch_norm_stays_as_it_is():
    torch = pytest.importorskip("torch")
    for library, replace in (
        (penlight, replace_all_batch_norm_modules_),
        (torch, torch.func.replace_all_batch_norm_modules_),
    ):
        net = library.nn.Sequential(
            library.nn.LayerNorm(2), library.nn.InstanceNorm1d(2, track_running_stats=True)
        )
        before = list(net.state_dict())
        assert list(replace(net).state_dict()) == before
