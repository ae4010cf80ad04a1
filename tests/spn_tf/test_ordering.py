import numpy as np
import pytest
import tensorflow as tf

from spn_tf.ordering import image_to_slices, relative_offsets, slices_to_image, slot_table


@pytest.mark.parametrize(
    "height,width,channels,scale", [(4, 4, 1, 1), (6, 4, 3, 2), (8, 12, 3, 4), (9, 3, 1, 3)]
)
def test_slices_and_image_are_inverse(height, width, channels, scale):
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, channels))
    slices = image_to_slices(tf.constant(images), scale)
    assert slices.shape == (2, scale**2, height // scale, width // scale, channels)
    np.testing.assert_array_equal(slices_to_image(slices, scale), images)


def test_slice_holds_every_scale_th_pixel_from_its_meta_position():
    images = np.arange(2 * 6 * 9).reshape(2, 6, 9, 1)
    slices = image_to_slices(tf.constant(images), 3).numpy()
    for i in range(3):
        for j in range(3):
            np.testing.assert_array_equal(slices[:, i * 3 + j], images[:, i::3, j::3])


def test_slots_at_scale_2_by_hand():
    # Offsets: (-1,-1) (-1,0) (-1,1) (0,-1); slices 0 1 / 2 3; 4 is the empty slice.
    assert relative_offsets(2) == [(-1, -1), (-1, 0), (-1, 1), (0, -1)]
    np.testing.assert_array_equal(
        slot_table(2),
        [
            [4, 4, 4, 4],
            [4, 4, 4, 0],
            [4, 0, 1, 4],
            [0, 1, 4, 2],
        ],
    )


def test_slots_of_one_target_at_scale_3_by_hand():
    # Target (1, 1), slice 4 of 9: slots of the row two above, one above, and the left of its own.
    np.testing.assert_array_equal(slot_table(3)[4], [9, 9, 9, 9, 9, 9, 0, 1, 2, 9, 9, 3])


@pytest.mark.parametrize("scale,slots", [(1, 0), (2, 4), (4, 24), (8, 112)])
def test_each_preceding_slice_has_one_slot_and_no_other_has(scale, slots):
    table = slot_table(scale)
    assert table.shape == (scale**2, slots)
    for target, row in enumerate(table):
        real = [m for m in row if m < scale**2]
        assert sorted(real) == list(range(target))


def test_the_slice_above_is_always_in_the_same_slot():
    scale = 4
    slot = relative_offsets(scale).index((-1, 0))
    table = slot_table(scale)
    for target in range(scale, scale**2):
        assert table[target, slot] == target - scale
