/* `attest-verify simulate quote`: one more quote of a worker that was made before, over report data
 * that somebody asks for now, as a TEE's own quoting service would give it. */
#include "simulate/simulate_amd_files.h"
#include "simulate/simulate_order.h"
#include "simulate/simulate_pki.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, WRONG_USE = 2 };
enum { OPTION_HELP = 256 };
enum { NOTE_BYTES_MAX = 128 };

struct demand {
    struct order order;
    const char *out, *variant; /* NULL: as the worker was made */
    uint8_t report_data[64];
    bool has_report_data;
};

static const char usage[] =
    "usage: attest-verify simulate quote --pki DIR --report-data HEX --out FILE [options]\n"
    "Makes one more quote of a worker that `attest-verify simulate DIR` has made, on the same\n"
    "simulated machine and of the same code, over the report data given: what a worker needs to\n"
    "answer a challenge. DIR holds the vendor's private keys: whoever reads it makes such quotes\n"
    "too. Nothing of it is genuine.\n"
    "  --pki DIR              the folder of the simulated vendor\n"
    "  --report-data HEX      64 bytes, 128 hexadecimal digits\n"
    "  --out FILE             where the raw quote goes; - is standard output\n"
    "  --worker NAME          whose quote it is (worker)\n"
    "  --variant V            what is wrong with it, as of `simulate DIR` (as the worker was made);\n"
    "                         debug, unlisted, outdated and bad-signature show in a quote\n"
    "  --time UNIX            the present, in unix seconds (the clock's)\n";

/* --- what was made before: "tdx dice good", or "snp dice good milan vcek" --- */

static void note_name(const char *worker, char name[NAME_MAX_LEN + 16])
{
    snprintf(name, NAME_MAX_LEN + 16, "pki/%s.worker", worker);
}

bool simulate_note_worker(struct simulate_folder *folder, const char *name,
                          const struct order *order)
{
    char file[NAME_MAX_LEN + 16];
    struct simulate_bytes text = {0};
    simulate_put_text(&text, "%s %s %s", attest_tee_word(order->tee), order->convention->word,
                      order->variant->word);
    if (order->tee == ATTEST_TEE_SNP)
        simulate_put_text(&text, " %s %s", simulate_product_word(order->product),
                          order->vlek ? "vlek" : "vcek");
    simulate_put_text(&text, "\n");
    note_name(name, file);
    bool ok = simulate_folder_write(folder, file, &text, true);
    simulate_bytes_fini(&text);
    return ok;
}

static bool read_note(struct demand *demand)
{
    char path[PATH_MAX], file[NAME_MAX_LEN + 16], line[NOTE_BYTES_MAX] = "";
    struct order *order = &demand->order;
    char *rest = line;
    note_name(order->workers[0], file);
    int len = snprintf(path, sizeof path, "%s/%s", order->dir, file);
    FILE *note = len > 0 && (size_t)len < sizeof path ? fopen(path, "re") : NULL;
    bool found = note != NULL && fgets(line, sizeof line, note) != NULL;
    if (note != NULL)
        fclose(note);
    if (!found)
        return simulate_complain(
            "%s/%s: there is no such worker; make it by `attest-verify simulate "
            "%s --worker %s`",
            order->dir, file, order->dir, order->workers[0]);
    line[strcspn(line, "\n")] = '\0';
    const char *tee = strsep(&rest, " "), *convention = strsep(&rest, " ");
    const char *made = rest != NULL ? strsep(&rest, " ") : NULL;
    const char *product = rest != NULL ? strsep(&rest, " ") : NULL;
    const char *variant = demand->variant != NULL ? demand->variant : made;
    order->vlek = rest != NULL && strcmp(rest, "vlek") == 0;
    return convention != NULL && variant != NULL
               ? simulate_set_tee(order, tee) && simulate_set_convention(order, convention) &&
                     simulate_set_variant(order, variant) &&
                     (product == NULL || simulate_set_product(order, product))
               : simulate_complain("%s: found \"%s\"; make the worker anew", path, line);
}

/* --- the command line --- */

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits) % 16;
}

static bool set_report_data(struct demand *demand, const char *text)
{
    size_t len = strlen(text);
    bool ok = len == 2 * sizeof demand->report_data;
    for (size_t i = 0; ok && i < len; ++i) {
        int digit = digit_of(text[i]);
        ok = digit >= 0;
        demand->report_data[i / 2] = (uint8_t)(demand->report_data[i / 2] << 4 | (digit & 0xf));
    }
    demand->has_report_data = ok;
    return ok ||
           simulate_complain("--report-data: found %zu characters; allowed are 128 hexadecimal "
                             "digits",
                             len);
}

static bool set_worker(struct demand *demand, const char *name)
{
    demand->order.workers[0] = name;
    return simulate_is_worker_name(name) ||
           simulate_complain("--worker: found \"%s\", which is no worker's name", name);
}

static bool take_option(struct demand *demand, int option, const char *value)
{
    switch (option) {
    case 'p':
        demand->order.dir = value;
        return true;
    case 'r':
        return set_report_data(demand, value);
    case 'o':
        demand->out = value;
        return true;
    case 'w':
        return set_worker(demand, value);
    case 'v':
        demand->variant = value;
        return simulate_set_variant(&demand->order, value);
    default:
        return simulate_parse_number("time", value, SIMULATE_TIME_MIN, SIMULATE_TIME_MAX,
                                     &demand->order.now);
    }
}

static bool check_demand(const struct demand *demand)
{
    if (demand->order.dir == NULL || !demand->has_report_data || demand->out == NULL)
        return simulate_complain("quote needs --pki DIR, --report-data HEX and --out FILE; "
                                 "`attest-verify simulate quote --help` says more");
    const struct simulate_folder folder = {.path = demand->order.dir};
    return simulate_folder_has(&folder, "roots/root.pem") ||
           simulate_complain("%s is no folder of a simulated vendor; make it by `attest-verify "
                             "simulate %s`",
                             demand->order.dir, demand->order.dir);
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct demand *demand)
{
    static const struct option long_options[] = {
        {"pki", required_argument, NULL, 'p'},     {"report-data", required_argument, NULL, 'r'},
        {"out", required_argument, NULL, 'o'},     {"worker", required_argument, NULL, 'w'},
        {"variant", required_argument, NULL, 'v'}, {"time", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, OPTION_HELP},  {NULL, 0, NULL, 0},
    };
    int option;
    optind = 0; /* glibc: start afresh, whoever used getopt before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            fputs(usage, stdout);
            return OK;
        }
        if (option == '?' || option == ':') {
            simulate_complain("%s: %s; `attest-verify simulate quote --help` lists the options",
                              argv[optind - 1],
                              option == ':' ? "a value is missing" : "there is no such option");
            return WRONG_USE;
        }
        if (!take_option(demand, option, optarg))
            return WRONG_USE;
    }
    if (optind != argc) {
        simulate_complain("quote takes options alone; found \"%s\"", argv[optind]);
        return WRONG_USE;
    }
    return check_demand(demand) ? -1 : WRONG_USE;
}

/* --- the work --- */

static bool write_out(const char *path, const struct simulate_bytes *quote)
{
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *file = to_stdout ? stdout : fopen(path, "we");
    bool ok = file != NULL && fwrite(quote->ptr, 1, quote->len, file) == quote->len;
    if (to_stdout)
        ok = fflush(stdout) == 0 && ok;
    else if (file != NULL)
        ok = fclose(file) == 0 && ok;
    return ok || simulate_complain("cannot write %s: %s", path, strerror(errno));
}

/* The convention shapes RTMR3; the report data is then the asker's. */
static bool make_quote(const struct demand *demand, struct simulate_folder *folder,
                       struct simulate_bytes *quote)
{
    const struct order *order = &demand->order;
    if (order->tee == ATTEST_TEE_SNP)
        return simulate_amd_on_demand(order, folder, demand->report_data, quote);
    struct simulate_platform platform = simulate_order_platform(order, order->workers[0]);
    struct simulate_identity pck = simulate_pck(&folder->vendor, &platform);
    struct simulate_quote_options options = simulate_order_quote(order);
    struct simulate_bytes claims = {0};
    EVP_PKEY *any = order->convention->convention == SIMULATE_RATS_TLS ? simulate_rsa_key_new()
                                                                       : simulate_key_new();
    simulate_bind_key(order->convention->convention, any, &options, &claims);
    memcpy(options.report_data, demand->report_data, sizeof options.report_data);
    *quote = simulate_quote(&folder->vendor, &pck, &options);
    EVP_PKEY_free(any);
    simulate_bytes_fini(&claims);
    simulate_identity_fini(&pck);
    return true;
}

int simulate_quote_main(int argc, char **argv)
{
    struct demand demand = {.order = simulate_order_default()};
    struct simulate_folder folder;
    demand.order.workers[0] = "worker";
    int status = parse_arguments(argc, argv, &demand);
    if (status != -1)
        return status;
    if (!read_note(&demand))
        return WRONG_USE;
    bool ok = simulate_folder_open(&folder, demand.order.dir, demand.order.now);
    if (ok) {
        struct simulate_bytes quote = {0};
        ok = make_quote(&demand, &folder, &quote) && write_out(demand.out, &quote);
        simulate_bytes_fini(&quote);
    }
    simulate_folder_close(&folder);
    return ok ? OK : WRONG_USE;
}
