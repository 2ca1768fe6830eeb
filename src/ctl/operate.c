/* Commands on holds, prices and the store. */
#include <inttypes.h>
#include <string.h>

#include "ctl/amount.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/show.h"

/* --- holds -------------------------------------------------------------------------------------
 */

static void show_released(struct ctl_call *call, const cJSON *json)
{
    show_members(call->out, json);
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "released")))
        fprintf(call->out, "\nNothing was changed: the call had ended before.\n");
}

int ctl_holds_release(struct ctl_call *call)
{
    struct ask_path path;
    ask_path_account(&path, call->operands[0], "/holds");
    ask_path_add(&path, call->operands[1]);
    return ask_and_show(call, "DELETE", path.text, NULL, show_released);
}

/* --- prices ------------------------------------------------------------------------------------
 */

enum { PRICE_TEXT_MAX = 48, UNITS_TEXT_MAX = 512 };

/* Pico-credits are micro-credits with six decimals more: the least that says it all. */
static const char *price_text(const cJSON *item, char out[PRICE_TEXT_MAX])
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : 0;
    uint64_t pcr = value > 0 && value <= (double)AMOUNT_MOST ? (uint64_t)value : 0;
    int len = snprintf(out, PRICE_TEXT_MAX, "%" PRIu64 ".%06" PRIu64, pcr / 1000000, pcr % 1000000);
    while (len > 0 && out[len - 1] == '0')
        out[--len] = '\0';
    if (len > 0 && out[len - 1] == '.')
        out[--len] = '\0';
    return out;
}

static void units_text(const cJSON *units, char out[UNITS_TEXT_MAX])
{
    const cJSON *unit;
    size_t used = 0;
    out[0] = '\0';
    cJSON_ArrayForEach(unit, units)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(unit, "name");
        const cJSON *cap = cJSON_GetObjectItemCaseSensitive(unit, "cap");
        char price[PRICE_TEXT_MAX];
        if (!cJSON_IsString(name) || !cJSON_IsNumber(cap) || used >= UNITS_TEXT_MAX)
            continue;
        price_text(cJSON_GetObjectItemCaseSensitive(unit, "pcr"), price);
        used += (size_t)snprintf(out + used, UNITS_TEXT_MAX - used, "%s%.32s=%s/%.0f",
                                 used > 0 ? "," : "", name->valuestring, price, cap->valuedouble);
    }
}

/* Adds the prices as texts, to be shown as they are. */
static void add_texts(cJSON *agent)
{
    static const char *const members[][2] = {{"call_pcr", "call"},
                                             {"ms_pcr", "ms"},
                                             {"mib_ms_pcr", "mib_ms"},
                                             {"kib_in_pcr", "kib_in"},
                                             {"kib_out_pcr", "kib_out"}};
    char price[PRICE_TEXT_MAX];
    char units[UNITS_TEXT_MAX];
    bool added = true;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); ++i) {
        price_text(cJSON_GetObjectItemCaseSensitive(agent, members[i][0]), price);
        added = added && cJSON_AddStringToObject(agent, members[i][1], price) != NULL;
    }
    units_text(cJSON_GetObjectItemCaseSensitive(agent, "units"), units);
    cJSON_DeleteItemFromObjectCaseSensitive(agent, "units");
    must(added && cJSON_AddStringToObject(agent, "units", units) != NULL);
}

static void show_prices(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {
        {"pool", "POOL"},       {"metered", "METERED"},
        {"call", "CALL"},       {"ms", "MS"},
        {"mib_ms", "MIB-MS"},   {"kib_in", "KIB-IN"},
        {"kib_out", "KIB-OUT"}, {"units", "UNITS"},
        {"least_ucr", "LEAST"}, {"memory_mib", "MEM-MIB"},
        {"cid", "AGENT"},       {NULL, NULL},
    };
    cJSON *copy = cJSON_Duplicate(json, true);
    cJSON *agents = cJSON_GetObjectItemCaseSensitive(copy, "agents");
    cJSON *agent;
    cJSON_ArrayForEach(agent, agents) add_texts(agent);
    show_rows(call->out, agents, columns, "No agents are configured.");
    show_incomplete(call->out, json, "There are more agents than these.");
    cJSON_Delete(copy);
}

int ctl_price_list(struct ctl_call *call)
{
    return ask_and_show(call, "GET", "/agents", NULL, show_prices);
}

/* --- the store ---------------------------------------------------------------------------------
 */

static void show_store(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {
        {"version", "REDIS"},
        {"role", "ROLE"},
        {"maxmemory_policy", "POLICY"},
        {"aof", "AOF"},
        {"replicas", "REPLICAS"},
        {"replica_lag_s", "LAG-S"},
        {"clock_ahead_ms", "CLOCK-AHEAD-MS"},
        {"used_memory", "BYTES"},
        {"run_id", "RUN"},
        {NULL, NULL},
    };
    const cJSON *servers = cJSON_GetObjectItemCaseSensitive(json, "servers");
    const cJSON *scripts = cJSON_GetObjectItemCaseSensitive(json, "scripts");
    const cJSON *server;
    show_rows(call->out, servers, columns, "No server answered.");
    if (cJSON_IsString(scripts))
        fprintf(call->out, "\nSCRIPTS  %s\n", scripts->valuestring);
    cJSON_ArrayForEach(server, servers)
    {
        const cJSON *problems = cJSON_GetObjectItemCaseSensitive(server, "problems");
        if (cJSON_GetArraySize(problems) > 0) {
            fprintf(call->out, "\n");
            show_texts(call->out, problems, "");
        }
    }
}

int ctl_store_check(struct ctl_call *call)
{
    struct answer answer;
    int outcome = ask(call, "GET", "/store", NULL, &answer);
    if (outcome != CTL_OK)
        return outcome;
    cJSON *json = cJSON_ParseWithLength(answer.body, answer.body_len);
    if (call->json)
        fprintf(call->out, "%.*s\n", (int)answer.body_len, answer.body);
    else
        show_store(call, json);
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "good")))
        outcome = CTL_REFUSED;
    cJSON_Delete(json);
    answer_fini(&answer);
    return outcome;
}
