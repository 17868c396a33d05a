"""The test suite, laid out as TESTING_GUIDE.md says."""
