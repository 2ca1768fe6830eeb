# A disk that goes wrong when told to; preloaded by tests/chaos/run.py, not by what is built here.
noinst_DATA += tests/chaos/bad_disk.so
CLEANFILES += tests/chaos/bad_disk.so
tests/chaos/bad_disk.so: tests/chaos/bad_disk.c
	@$(MKDIR_P) tests/chaos
	$(AM_V_CC)$(CC) $(CPPFLAGS) -O1 -Wall -Wextra -fPIC -shared -o $@ '$(srcdir)/tests/chaos/bad_disk.c' -ldl

EXTRA_DIST += tests/chaos/bad_disk.c \
    tests/chaos/fleets.py \
    tests/chaos/history.py \
    tests/chaos/load.py \
    tests/chaos/run.py \
    tests/chaos/scenarios.py \
    tests/chaos/store.py
