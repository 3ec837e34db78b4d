"""Arrays of networks are views; values are the golden reference's."""
import gc

import numpy as np
import pytest

import shiftsim


def test_weights_are_views_that_outlive_the_network(network, tmp_path):
    network.write(tmp_path / "net.qnet")
    other = shiftsim.Network(tmp_path / "net.qnet")
    layer = other.layers[0]
    first, second = layer.arrays["weights"], layer.arrays["weights"]
    assert np.shares_memory(first, second) and not first.flags.owndata
    assert first.dtype == np.int8 and first.shape[0] == layer.arrays["bias"].shape[0]
    before = first.copy()
    del other, layer, second
    gc.collect()
    np.testing.assert_array_equal(first, before)
    with pytest.raises(ValueError):
        first[0] = 1


def test_layers_name_their_tensors(network):
    by_name = {tensor.name: tensor for tensor in network.tensors}
    assert network.layers[0].input == network.tensors[0].name
    for layer in network.layers:
        assert layer.input in by_name and layer.output in by_name
        assert layer.residual is None or layer.residual in by_name
    assert by_name[network.layers[-1].output].shape == (1, 1, 10)
    assert sum(layer.macs for layer in network.layers) > 1e6


def test_trace_ends_in_the_logits(network, test_images):
    logits = network.run(test_images[:3])
    assert logits.shape == (3, 10) and logits.dtype == np.int32
    for image in range(3):
        tensors = network.trace(test_images[image])
        np.testing.assert_array_equal(tensors[network.layers[-1].output].ravel(), logits[image])
        np.testing.assert_array_equal(tensors[network.layers[0].input][:, :, 0], test_images[image])
    assert not tensors[network.layers[0].output].flags.owndata


def test_a_pooling_window_computed_with_numpy(network, test_images):
    """One output pixel of a depthwise convolution, by the contract, from the arrays alone."""
    depthwise = [layer for layer in network.layers
                 if layer.kind == "conv" and layer.arrays["weights"].shape[3] == 1 and layer.index > 0][0]
    tensors = network.trace(test_images[0])
    inside, outside, arrays = tensors[depthwise.input], tensors[depthwise.output], depthwise.arrays
    y, x = outside.shape[0] // 2, outside.shape[1] // 2
    top, left = y * depthwise.stride[0] - depthwise.pad[0], x * depthwise.stride[1] - depthwise.pad[1]
    window = inside[top:top + depthwise.kernel[0], left:left + depthwise.kernel[1]].astype(int)
    weights = arrays["weights"].astype(int)
    for channel in range(outside.shape[2]):
        a = (window[:, :, channel] * weights[channel, :, :, 0]).sum()
        if arrays["offsets"].any():
            a = 2 * a + int(arrays["offsets"][channel]) * window[:, :, channel].sum()
        value, shift = a + int(arrays["bias"][channel]), int(arrays["shifts"][channel])
        value = (value + (1 << shift - 1)) >> shift if shift > 0 else value << -shift
        assert outside[y, x, channel] == min(max(value, depthwise.lo), arrays["hi"][channel])


def test_errors(network, tmp_path):
    with pytest.raises(shiftsim.UserError, match="there is no"):
        shiftsim.Network(tmp_path / "none.qnet")
    with pytest.raises(shiftsim.UserError, match="found images of 3x3x1"):
        network.run(np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(shiftsim.UserError, match="image: found 2 images, expected one"):
        network.trace(np.zeros((2, 28, 28, 1), np.uint8))
    with pytest.raises(TypeError):
        shiftsim.Network(3)
