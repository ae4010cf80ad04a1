"""Automatic settings for a folder of pictures: `cascade-tf train --data_dir=PICTURES` alone."""
