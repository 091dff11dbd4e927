"""One idea a file, run by the tests."""
