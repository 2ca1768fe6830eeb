/* The few lines every unit test shares: one suite, one case, an exit status.
 * Owns nothing. Never forks when CK_FORK=no (the sanitizer builds). */
#ifndef CHECKS_H
#define CHECKS_H

#include <check.h>
#include <stdlib.h>

/* Runs `tests` (a NULL-ended list) as one suite and returns main()'s status. */
static inline int checks_run(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120);
    for (; *tests != NULL; ++tests)
        tcase_add_test(tcase, *tests);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
