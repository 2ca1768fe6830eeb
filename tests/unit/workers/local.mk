# unit tests of workers
