from tests.faults.kills import kill


def test_killed_commands_lose_nothing():
    """A short run of `make faults`."""
    made = kill("spn", kills=4, seed=0)
    assert sum(made.values()) == 4
