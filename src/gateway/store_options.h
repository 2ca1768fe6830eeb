/* What the configuration says of the metering store, as io/fleet takes it: addresses, passwords and
 * TLS, read from the files it names. It owns nothing; the TLS context is handed over. It never
 * shows a password. */
#ifndef GATEWAY_STORE_OPTIONS_H
#define GATEWAY_STORE_OPTIONS_H

#include "gateway/config.h"

/* `socket` is the embedded server's, where that is what is configured. False and a sentence; else
 * tls_give() `server.tls` in the end, when there is one. */
MUST_USE bool store_options_read(const struct config_store *config, const char *socket,
                                 struct fleet_options *out, char *error, size_t error_size);
/* Whether a reload would change any of it. */
bool store_options_differ(const struct config_store *one, const struct config_store *other);

#endif
