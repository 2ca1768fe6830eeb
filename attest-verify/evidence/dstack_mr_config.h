/* dstack's configuration of a SEV-SNP guest: a JSON text whose digest is the report's host data,
 * and which names application, composition and instance (dstack 312dc60, dstack-types
 * mr_config.rs). Owns nothing: the ids are copied. Never vouches for what it names: the host
 * chooses host data, and only measured code that holds its guest to it makes the names mean
 * anything. */
#ifndef AV_DSTACK_MR_CONFIG_H
#define AV_DSTACK_MR_CONFIG_H

#include "formats/event_log.h"

enum { MR_CONFIG_BYTES_MAX = 16 * 1024 };

/* The ids that the text names, as an event log would; nothing else of the log is filled. */
AV_MUST_USE bool av_dstack_mr_config_parse(struct attest_bytes text, struct event_log *ids);

bool av_dstack_mr_config_is_bound(struct attest_bytes text, struct attest_bytes host_data);

#endif
