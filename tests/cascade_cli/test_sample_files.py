import numpy as np
from etils import epath
from PIL import Image

from cascade_cli.sample_files import SampleFiles


def test_the_stages_of_many_samples_share_rows_of_an_about_square_page(tmp_path):
    coarse = np.arange(100, dtype=np.uint8)[:, None, None, None] + np.zeros([4, 4, 1], np.uint8)
    columns = {"coarse": coarse, "fine": np.tile(coarse + 100, [1, 2, 2, 1])}
    SampleFiles(epath.Path(tmp_path)).write(columns)
    page = np.asarray(Image.open(tmp_path / "stages.png"))
    assert 0.7 < page.shape[0] / page.shape[1] < 1.4
    factor = page.shape[1] // (7 * 17 + 6 * 4)  # seven samples in a row, each 8 + 1 + 8 wide
    rows = page[::factor, ::factor][4::12]
    per_sample = [(row[x + 4], row[x + 13]) for row in rows for x in range(0, row.size, 21)]
    assert per_sample[:100] == [(n, n + 100) for n in range(100)]
