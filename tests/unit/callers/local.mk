# unit tests of callers
