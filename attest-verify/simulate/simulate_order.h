/* What is asked of the simulated vendor on the command line, and what both of its commands share.
 * It owns nothing: words and paths are the command line's.
 * It never makes anything but what the words say. */
#ifndef SIMULATE_ORDER_H
#define SIMULATE_ORDER_H

#include "simulate/simulate_amd.h"
#include "simulate/simulate_files.h"

enum {
    WORKERS_MAX = 64,
    HOSTS_MAX = 64,
    NAME_MAX_LEN = 64, /* ub-common-name, RFC 5280 appendix A */
};
/* 2001 to 2100: what X.509 and every clock agree on, with room for the vendor's twenty years. */
#define SIMULATE_TIME_MIN 1000000000LL
#define SIMULATE_TIME_MAX 4102444800LL

struct variant {
    const char *word;
    bool no_evidence, other_key, debug, unlisted, outdated, revoked;
    enum simulate_damage damage;
};

struct convention {
    const char *word;
    enum simulate_convention convention;
    unsigned tees; /* bit 1 << tee for each whose evidence it carries */
};

struct order {
    const char *dir;
    const char *workers[WORKERS_MAX];
    const char *hosts[HOSTS_MAX];
    size_t worker_count, host_count;
    const struct variant *variant;
    enum attest_tee tee;
    enum simulate_product product; /* of SEV-SNP, as is the next */
    bool vlek;
    const struct convention *convention;
    long long now, days, collateral_days;
};

/* A good TDX worker with DICE evidence, now. */
struct order simulate_order_default(void);

/* Each says on stderr what is wrong with the word, and is false then. */
bool simulate_set_tee(struct order *order, const char *word);
bool simulate_set_variant(struct order *order, const char *word);
bool simulate_set_convention(struct order *order, const char *word);
bool simulate_parse_number(const char *option, const char *text, long long min, long long max,
                           long long *value);
bool simulate_is_worker_name(const char *name); /* in silence: it is a file's name too */

/* The ordered worker's quote, not bound to anything yet, and its machine. */
struct simulate_quote_options simulate_order_quote(const struct order *order);
struct simulate_platform simulate_order_platform(const struct order *order, const char *name);

/* The ordered worker's certificate; `report` is NULL for a quote. */
X509 *simulate_order_certificate(const struct order *order, const char *name, EVP_PKEY *key,
                                 const struct simulate_bytes *quote,
                                 const struct simulate_bytes *claims,
                                 const struct simulate_report_evidence *report);

/* Writes down in the folder what worker `name` runs in, for quotes on demand. */
bool simulate_note_worker(struct simulate_folder *folder, const char *name,
                          const struct order *order);

/* `attest-verify simulate quote ..`; argv[0] is "quote". Returns the exit status. */
int simulate_quote_main(int argc, char **argv);

#endif
