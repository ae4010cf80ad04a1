"""Data sets that anyone can make again, from packages of Debian, Ubuntu and npm."""
