"""The version, as --version shows it: a constant, because to read the metadata of the package takes 20 ms."""

VERSION = "0.1.0"
