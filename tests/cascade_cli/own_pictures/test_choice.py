import numpy as np
import pytest

from benchmarks import parameters
from cascade_cli.own_pictures.choice import choose
from cascade_cli.own_pictures.networks import NETWORKS, Machine
from cascade_cli.own_pictures.survey import Survey
from cascade_tf.data.config import DataConfig
from cascade_tf.settings import entries, from_values
from cascade_tf.training_config import TrainingConfig
from spn_tf.config import SPNConfig
from spn_tf.training_config import SPNTrainingConfig

_WIDTH = "pixelcnn_residual_channels"
TWO_CORES = Machine(product=0.006, cores=2)


def times_as_fast(factor: float) -> Machine:
    return Machine(TWO_CORES.product / factor, TWO_CORES.cores)


def values(survey: Survey, machine: Machine = TWO_CORES, **given) -> dict:
    """All settings of an experiment, the user's among them."""
    choices = choose(survey, machine, given, cache="W/cache")
    return {n: v for choice in choices for n, v in choice.values.items()} | given


def reasons(survey: Survey, machine: Machine = TWO_CORES, **given) -> str:
    return " ".join(choice.reason for choice in choose(survey, machine, given, "W/cache"))


def pictures(count: int, *sizes: tuple[int, int], **facts) -> Survey:
    return Survey(count, sizes, **({"decoded": len(sizes)} | facts))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)] * 20, (28, 4)),  # their own size, without a border or a resize
        ([(32, 32)] * 20, (32, 4)),
        ([(640, 480), (4000, 3000)], (32, 4)),
        ([(8, 8)] * 20, (8, 2)),
        ([(31, 50)] * 20, (28, 4)),
        ([(3, 5)] * 20, (3, 1)),
        ([(1, 1)] * 20, (1, 1)),
        ([(10, 10)] + [(500, 400)] * 99, (32, 4)),  # one small picture does not decide
        ([(10, 10)] * 20 + [(500, 400)] * 80, (10, 2)),
    ],
)
def test_the_image_size_enlarges_no_more_than_a_tenth_of_the_pictures(sizes, expected):
    survey = pictures(1000, *sizes)
    chosen = values(survey)
    assert (chosen["image_size"], chosen["scale"]) == expected
    assert np.mean(survey.sides < chosen["image_size"]) <= 0.1


def test_pictures_that_are_enlarged_are_counted():
    assert "1 of 100 pictures are smaller" in reasons(pictures(1000, (10, 10), *[(500, 400)] * 99))


def test_a_fast_machine_or_a_long_training_learns_larger_images():
    photographs = pictures(100_000, (640, 480))
    assert values(photographs)["image_size"] == 32
    for longer in (
        values(photographs, times_as_fast(50)),
        values(photographs, max_minutes=24 * 60.0),
    ):
        assert (longer["image_size"], longer["scale"]) == (64, 8)


@pytest.mark.parametrize(
    ("decoded", "grey", "channels"), [(40, 40, 1), (40, 38, 1), (40, 37, 3), (40, 0, 3)]
)
def test_nearly_only_grey_pictures_are_learned_in_grey(decoded, grey, channels):
    survey = pictures(1000, (64, 64), decoded=decoded, grey=grey)
    assert values(survey)["channels"] == channels
    loses = f"{decoded - grey} of {decoded} lose their colours"
    assert (loses in reasons(survey)) == (channels == 1 and grey < decoded)


def test_a_network_has_enough_steps_in_the_time_and_pictures_for_its_weights():
    indices = {n.flags()["pixelcnn_residual_channels"]: i for i, n in enumerate(NETWORKS)}

    def network(count: int, machine: Machine = TWO_CORES, **given) -> int:
        return indices[values(pictures(count, (64, 64)), machine, **given)[_WIDTH]]

    by_minutes = [network(100_000, max_minutes=m) for m in (0.1, 10.0, 30.0, 60.0, 240.0)]
    assert by_minutes == [0, 1, 2, 3, 4]
    assert [network(100_000, times_as_fast(s)) for s in (0.1, 1, 10)] == [0, 2, 4]
    by_count = [network(count, times_as_fast(20)) for count in (10, 2500, 5000, 10_000, 50_000)]
    assert by_count == [0, 1, 2, 3, 4]
    assert "memorise" in reasons(pictures(2500, (64, 64)), times_as_fast(20))


def test_each_core_has_a_part_of_a_batch():
    photographs = pictures(1000, (64, 64))
    chosen = values(photographs, Machine(0.006, cores=2, parts=2))
    assert (chosen["batch_parts"], chosen["intra_op_threads"]) == (2, 1)
    assert chosen["jit_compile"] is False
    assert not {"batch_parts", "jit_compile"} & values(photographs).keys()


def test_few_pictures_are_not_seen_too_often():
    few = pictures(640, (28, 28))
    assert values(few)["steps"] == 2000 and "memorise" in reasons(few)
    assert values(few, batch_size=64)["steps"] == 1000
    assert values(few, steps=7)["steps"] == 7
    assert values(pictures(640, (64, 64)))["steps"] == 8000  # with random crops
    assert values(pictures(3, (28, 28)))["steps"] == 1000  # fewer learn nothing
    assert values(pictures(320_000, (28, 28)))["steps"] == 1_000_000  # the time ends it


def test_few_pictures_are_cropped_at_random_and_photographs_mirrored():
    assert "smallest_crop" not in values(pictures(5000, (640, 480)))
    icons = values(pictures(500, (64, 64)))
    assert icons["smallest_crop"] == 0.5 and "flip" not in icons
    photographs = values(pictures(500, (640, 480)))
    assert photographs["smallest_crop"] == 0.5 and photographs["flip"]
    assert "flip" not in values(pictures(500, (640, 480), alpha=1))  # icons, which may have text
    assert "smallest_crop" not in values(pictures(500, (28, 28)))


def test_large_files_are_decoded_once():
    survey = pictures(2000, (4000, 3000))
    chosen = values(survey)
    assert chosen["cache_dir"] == "W/cache" and "smallest_crop" not in chosen
    assert "cache_dir" not in values(survey, smallest_crop=0.8)  # has no effect with a cache
    assert "cache_dir" not in values(survey, max_minutes=1.0)  # the cache would take longer
    assert "smaller ones train faster" in reasons(survey, max_minutes=1.0)
    assert "smaller ones train faster" not in reasons(survey)
    assert "cache_dir" not in values(pictures(2000, (256, 256)))


def test_a_few_large_photographs_are_learned_as_windows():
    chosen = values(pictures(10, (4000, 3000)), times_as_fast(20), max_minutes=600.0)
    assert chosen["crop"] == "window" and not chosen.keys() & {"smallest_crop", "cache_dir"}
    assert chosen[_WIDTH] > NETWORKS[0].flags()[_WIDTH]
    slow = values(pictures(10, (4000, 3000)))  # decoding takes most of a step
    assert slow["batch_size"] < values(pictures(10, (400, 300)))["batch_size"]
    mixed = values(pictures(10, (4000, 3000), (200, 200)))
    assert "crop" not in mixed and mixed["batch_size"] > slow["batch_size"]


def test_drawings_and_photographs_have_distributions_that_suit_them():
    drawings, photographs = (pictures(1000, (64, 64), drawn=drawn) for drawn in (1, 0))
    assert values(drawings)["intensity_distribution"] == "anchored_softmax"
    assert values(photographs)["intensity_distribution"] == "logistic_mixture"
    assert "Areas of one colour" in reasons(drawings)


def test_settings_of_the_user_are_respected_and_not_chosen_again():
    given = dict(image_size=24, batch_size=8, max_minutes=5.0, learning_rate=(1e-3,), bits=5)
    choices = choose(pictures(1000, (640, 480)), TWO_CORES, given, "W/cache")
    chosen = {name: v for choice in choices for name, v in choice.values.items()}
    assert not chosen.keys() & (given.keys() | {"learning_rate_boundaries"})
    assert chosen["scale"] == 4 and chosen["optimizer"] == "muon"
    assert "24x24" in choices[0].reason and "5 minutes" in " ".join(c.reason for c in choices)


def test_reasons_do_not_contradict_the_settings_of_the_user():
    photographs = pictures(100, (640, 480))
    for given, absent in (
        ({"flip": False}, "mirrored"),
        ({"bad_images": "fail"}, "left out"),
        ({"learning_rate_decay": "constant"}, "falls to zero"),
    ):
        assert absent in reasons(photographs)
        assert absent not in reasons(photographs, **given)
    assert "after the given steps, or 30 minutes" in reasons(photographs, steps=99)
    assert "after the given steps." in reasons(photographs, steps=99, max_minutes=0.0)


def test_a_schedule_of_the_user_replaces_the_chosen_optimizer():
    schedule = dict(learning_rate=(1e-3, 1e-4), learning_rate_boundaries=(0.5,))
    for given in (schedule, {"optimizer": "adam"}, {"rmsprop_start": 0.0}):
        assert "clip_norm" not in values(pictures(1000, (64, 64)), **given)
    assert values(pictures(1000, (64, 64)), clip_norm=0.5)["optimizer"] == "muon"


def test_intervals_fit_the_number_of_steps():
    thumbnails = pictures(100_000, (64, 64))
    few = values(thumbnails, steps=30)
    assert few["checkpoint_every"] <= 10 and few["summary_every"] == 1
    slow, fast = (values(thumbnails, times_as_fast(s), max_minutes=10.0) for s in (0.1, 10))
    for name in ("checkpoint_every", "evaluate_every", "sample_every"):
        assert slow[name] < fast[name]
    assert values(thumbnails, max_minutes=0.0)["steps"] < 100_000


def test_every_choice_is_a_valid_experiment():
    rng = np.random.default_rng(0)
    possible = dict(
        image_size=(8, 30, 31, 64, 256), scale=(1, 2, 3, 8), channels=(1, 3), bits=(1, 8),
        max_minutes=(0.0, 0.01, 600.0), steps=(1, 10**9), batch_size=(1, 512),
        learning_rate=((1e-3,),), smallest_crop=(0.3,),
    )  # fmt: skip
    for _ in range(60):
        sizes = rng.integers(1, rng.choice([4, 40, 400, 4000]), [rng.integers(1, 9), 2])
        survey = pictures(
            int(rng.choice([1, 50, 500, 10**6])), *map(tuple, sizes.tolist()),
            grey=int(rng.integers(0, 2)) * len(sizes), alpha=int(rng.integers(0, 2)),
        )  # fmt: skip
        names = rng.choice(list(possible), rng.integers(0, 4), replace=False)
        given = {name: possible[name][rng.integers(len(possible[name]))] for name in names}
        if "image_size" in given:  # with a scale of the user, they may not fit each other
            given.pop("scale", None)
        chosen = values(survey, times_as_fast(10 ** rng.uniform(-3, 3)), **given)
        size = chosen["image_size"]
        from_values(SPNConfig, chosen, {"height": size, "width": size})
        for kind in (DataConfig, TrainingConfig, SPNTrainingConfig):
            from_values(kind, chosen, {})
        known = entries([SPNConfig, DataConfig, TrainingConfig, SPNTrainingConfig])
        assert chosen.keys() - known.keys() == {"system", "upscaling"}


def test_the_networks_have_the_weights_that_they_state_and_grow():
    for network in NETWORKS:
        flags = [f"--{name}={value}" for name, value in network.flags().items()]
        flags.append("--intensity_distribution=logistic_mixture")
        assert parameters.parameters("photos", flags)["spn"] == network.weights
    assert [n.cost for n in NETWORKS] == sorted(n.cost for n in NETWORKS)
