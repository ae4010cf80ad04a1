"""Data sets that anyone can make again, from packages of Debian, Ubuntu, PyPI and npm."""
