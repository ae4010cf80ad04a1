from tests.faults.kills import SYSTEMS, Kills


def test_killed_commands_lose_nothing(tmp_path):
    """A short run of `make faults`."""
    killing = Kills(tmp_path, seed=0)
    killing.training(2, "--system=spn", *SYSTEMS["spn"], "--steps=5")
    killing.sampling(1)
    assert killing.count == {"train": 2, "sample": 1}
