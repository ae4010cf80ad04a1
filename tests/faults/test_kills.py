from tests.faults.kills import SYSTEMS, Kills


def test_killed_commands_lose_nothing(tmp_path):
    """A short run of `make faults`."""
    killing = Kills(tmp_path, seed=0)
    killing.training(3, "--system=spn", *SYSTEMS["spn"])
    killing.sampling(1)
    assert killing.made == {"train": 3, "sample": 1}
