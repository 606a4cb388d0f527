"""The version, as build_info and --version show it.

A constant, because reading the installed package's metadata imports 5 MB; a test compares both.
"""

VERSION = "0.1.0"
