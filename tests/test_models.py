"""The models that come with the package: each has its figure, a complete card, and is small."""

import pathlib
import re

import numpy as np
import pytest
from PIL import Image

import spn_tf

HOME = pathlib.Path(__file__).resolve().parent.parent / "models"
NAMES = spn_tf.models()
_LARGEST = 6_000_000  # bytes of all weights of a model


def test_the_list_of_models_has_all_of_them():
    listed = re.findall(r"\]\(([\w-]+)/README\.md\)", (HOME / "README.md").read_text())
    assert sorted(listed) == NAMES == sorted(path.parent.name for path in HOME.glob("*/README.md"))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_has_its_figure_on_the_held_out_images_beside_it(name, eagerly):
    held_out = np.load(HOME / name / "held_out.npz")
    assert len(held_out["images"]) >= 8
    model = spn_tf.load(name)
    classes = held_out["classes"] if model.num_classes > 1 else None
    assert len(model.class_names) == (model.num_classes if model.num_classes > 1 else 0)
    bits = model.bits_per_dim(held_out["images"], classes)
    # bfloat16 products of other processors round otherwise.
    np.testing.assert_allclose(bits, held_out["bits_per_dim"], rtol=5e-3)
    np.testing.assert_allclose(bits.mean(), held_out["bits_per_dim"].mean(), rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_complete(name):
    card = (HOME / name / "README.md").read_text()
    assert card.startswith(f"# {name}\n") and "TODO" not in card
    for title in ("data", "licence", "held out", "training", "command, in this folder"):
        assert re.search(rf"^\| {title} \| \S.* \|$", card, re.MULTILINE), title
    assert "bits/dim of" in card and "minutes" in card and "`cascade-tf train " in card
    assert f"cascade-tf sample --model={name} " in card and "](samples.png)" in card
    with Image.open(HOME / name / "samples.png") as samples:
        assert min(samples.size) >= 32


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_small_and_names_no_path(name):
    weights = [*(HOME / name).glob("*/weights.safetensors")]
    records = [*(HOME / name).glob("*/flags.txt")]
    assert [path.parent for path in weights] == [path.parent for path in records] != []
    assert sum(path.stat().st_size for path in weights) <= _LARGEST
    for record in records:
        assert not re.search("=/", record.read_text())
