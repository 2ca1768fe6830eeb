/* The process: opens what is shared, starts the lanes, reloads, drains, stops.
 * It owns the journal, the attester, the embedded store and the lanes. It never serves a byte. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>

/* `teegate -t`: reads and builds everything, says what is wrong or that all is right; exit status.
 */
int gateway_check(const char *config_file);
/* Runs until SIGTERM or SIGINT; SIGHUP reloads. Exit status. */
int gateway_run(const char *config_file);

#endif
