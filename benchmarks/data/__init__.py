"""Data sets that anyone can make again, from packages of Debian, Ubuntu and npm.

python -m benchmarks.data.photographs --output_dir=DIR
python -m benchmarks.data.emoji --output_dir=DIR
"""
