/* Prints what is made from the tables: docs/faults.md, docs/metrics.md, docs/options.md and
 * conf/teegate.yaml. tables.sh compares; `print_tables NAME > FILE` renews. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/stats.h"
#include "gateway/option.h"

static void print_faults(void)
{
    printf(
        "# Errors\n\nMade from `src/tables/faults.def`. `code` is what a problem's `code` and the "
        "log's `fault` say;\n`elsewhere`: the gateway itself tries another worker; `charge`: free, "
        "or what ran is paid;\n`again`: trying later may help.\n\n"
        "| code | status | whose | elsewhere | charge | again | meaning |\n"
        "|---|---|---|---|---|---|---|\n");
    for (enum fault fault = FAULT_NONE + 1; fault < FAULT_COUNT; ++fault) {
        const struct fault_row *row = fault_row(fault);
        printf("| `%s` | %d | %s | %s | %s | %s | %s |\n", row->word, row->status,
               fault_whose_word(row->whose), row->elsewhere == ELSEWHERE_ANOTHER ? "yes" : "no",
               row->charge == CHARGE_ACTUAL ? "actual" : "free", row->again ? "yes" : "no",
               row->title);
    }
}

static void print_metric(void *arg, const char *name, const char *help, bool gauge, uint64_t value)
{
    (void)arg;
    (void)value;
    printf("| `teegate_%s%s` | %s | %s |\n", name, gauge ? "" : "_total",
           gauge ? "gauge" : "counter", help);
}

static void print_metrics(void)
{
    static const struct stats none;
    const struct stats *lanes[] = {&none};
    printf("# Metrics\n\nMade from `src/tables/stats.def`; `GET /metrics` on the admin socket.\n\n"
           "| name | kind | meaning |\n|---|---|---|\n");
    stats_visit(lanes, 1, print_metric, NULL);
    printf(
        "| `teegate_collateral_expires_seconds` | gauge | until the first of the collateral in use "
        "ends; absent while there is none |\n");
    printf("| `teegate_faults_total{fault=\"..\"}` | counter | exchanges that ended in a fault, by "
           "code (see faults.md) |\n");
}

static void print_allowed(const struct option *option)
{
    if (option->one_of != NULL)
        printf("%s", option->one_of);
    else
        printf("%s", option_type_word(option));
}

static void print_options(void)
{
    static const char *const titles[] = {"The file", "An entry of `listen`", "An entry of `pools`",
                                         "An entry of a pool's `workers`", "An entry of `agents`"};
    static const char *const notes[] = {
        "`listen` is a list, `pools` and `agents` are mappings of names; see below. `redis: embedded` "
        "is short for\n`redis: {address: embedded}`. Instead of an address, `redis.sentinels` (with "
        "`redis.master`) or `redis.cluster` is a list\nof up to 16 addresses; the rest of a Cluster "
        "is found by itself. See [redis.md](redis.md).\n\n"
        "`collateral.endpoints` is a URL or a list of at most 8, asked in this order: see "
        "[collateral.md](collateral.md).",
        "",
        "`workers` is a list (a bare URL is short for `{url: ..}`); `attestation.collateral` a path "
        "or a list of paths\nof collateral files or folders of them.",
        "",
        "The name is a CID in any accepted spelling, or `\"*\"` for all others. `price.units` maps "
        "names of units that\nworkers report to `{price: micro-credits, cap: units}`."};
    printf(
        "# Configuration\n\nMade from `src/tables/options.def`. A dot is a level of the YAML file. "
        "Paths are relative to the\nfile's folder.\n");
    for (enum option_scope scope = SCOPE_PROCESS; scope <= SCOPE_AGENT; ++scope) {
        printf("\n## %s\n\n%s%s| key | value | default | meaning |\n|---|---|---|---|\n",
               titles[scope], notes[scope], notes[scope][0] == '\0' ? "" : "\n\n");
        const struct option *option;
        for (unsigned i = 0; (option = option_at(scope, i)) != NULL; ++i) {
            printf("| `%s` | ", option->path);
            for (const char *at = option->one_of; at != NULL && *at != '\0'; ++at)
                printf("%s%c", *at == '|' ? "\\" : "", *at);
            if (option->one_of == NULL)
                print_allowed(option);
            printf(" | %s%s%s | %s |\n",
                   option->preset != NULL && *option->preset != '\0' ? "`" : "",
                   option->preset == NULL ? "must be given" : option->preset,
                   option->preset != NULL && *option->preset != '\0' ? "`" : "", option->words);
        }
    }
}

/* Keys with their levels: sections are opened when they change. */
static void print_yaml_scope(enum option_scope scope, const char *indent)
{
    char open[64] = "";
    const struct option *option;
    for (unsigned i = 0; (option = option_at(scope, i)) != NULL; ++i) {
        const char *dot = strchr(option->path, '.');
        size_t section = dot == NULL ? 0 : (size_t)(dot - option->path);
        if (section > 0 && (strlen(open) != section || strncmp(open, option->path, section) != 0)) {
            printf("%s%.*s:\n", indent, (int)section, option->path);
            if (section == strlen("collateral") &&
                strncmp(option->path, "collateral", section) == 0)
                printf("%s  # endpoints: [..]   # at most 8 URLs, asked in this order; none: see "
                       "docs/collateral.md\n",
                       indent);
        }
        snprintf(open, sizeof(open), "%.*s", (int)section, option->path);
        if (option->preset == NULL || option->preset[0] == '\0')
            printf("%s%s# %s: %s   # %s%s\n", indent, section > 0 ? "  " : "",
                   section > 0 ? dot + 1 : option->path, "..", option->words,
                   option->preset == NULL ? " (must be given)" : "");
        else
            printf("%s%s%s: %s%s%s   # %s\n", indent, section > 0 ? "  " : "",
                   section > 0 ? dot + 1 : option->path,
                   strchr(option->preset, '{') != NULL ? "\"" : "", option->preset,
                   strchr(option->preset, '{') != NULL ? "\"" : "", option->words);
    }
}

static void print_yaml(void)
{
    printf(
        "# teegate.yaml: every key with its default and one line. Made from src/tables/options.def.\n"
        "# Check a file with: teegate -t -c FILE\n\n");
    print_yaml_scope(SCOPE_PROCESS, "");
    printf("\nlisten:                      # one entry an address; IPv4 and IPv6 apart\n"
           "  - address: \"0.0.0.0:8443\"\n"
           "    tls: {certificate: gateway.crt.pem, key: gateway.key.pem}\n");
    printf("#   every key of an entry:\n");
    print_yaml_scope(SCOPE_LISTENER, "#     ");
    printf("\npools:\n  main:\n    workers:\n      - \"https://127.0.0.1:9443\"\n"
           "#       every key of an entry:\n");
    print_yaml_scope(SCOPE_WORKER, "#         ");
    printf("    attestation:\n      policy: policy.json\n      collateral: [collateral/]\n"
           "#   every key of a pool:\n");
    print_yaml_scope(SCOPE_POOL, "#     ");
    printf("\nagents:\n  \"*\": {pool: main, price: {call: 100, ms: 1}}\n"
           "#   every key of an agent:\n");
    print_yaml_scope(SCOPE_AGENT, "#     ");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } all[] = {{"faults", print_faults},
               {"metrics", print_metrics},
               {"options", print_options},
               {"yaml", print_yaml}};
    for (size_t i = 0; argc == 2 && i < sizeof(all) / sizeof(all[0]); ++i)
        if (strcmp(argv[1], all[i].name) == 0) {
            all[i].print();
            return EXIT_SUCCESS;
        }
    fprintf(stderr, "usage: print_tables faults|metrics|options|yaml\n");
    return 2;
}
