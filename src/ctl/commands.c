#include "ctl/commands.h"

#include <string.h>

#include "base/clock.h"
#include "ctl/amount.h"
#include "ctl/ask.h"
#include "ctl/show.h"

static void show_object(struct ctl_call *call, const cJSON *json)
{
    show_members(call->out, json);
}

/* --- accounts ----------------------------------------------------------------------------------
 */

static void show_created(struct ctl_call *call, const cJSON *json)
{
    show_members(call->out, json);
    fprintf(call->out,
            "\nNext: teegatectl credit add %s AMOUNT --ref REF, then teegatectl key mint %s\n",
            call->operands[0], call->operands[0]);
}

int ctl_account_create(struct ctl_call *call)
{
    struct ask_body body;
    ask_body_init(&body);
    json_text(&body.json, "name", span_text(call->operands[0]));
    ask_body_options(&body, call);
    return ask_and_show(call, "POST", "/accounts", &body, show_created);
}

static int get(struct ctl_call *call, const char *rest,
               void (*show)(struct ctl_call *call, const cJSON *json))
{
    struct ask_path path;
    ask_path_account(&path, call->operands[0], rest);
    return ask_and_show(call, "GET", path.text, NULL, show);
}

int ctl_account_show(struct ctl_call *call)
{
    return get(call, "", show_object);
}

static void show_accounts(struct ctl_call *call, const cJSON *json)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "accounts");
    show_texts(call->out, names, "No accounts yet. Make one: teegatectl account create NAME");
    show_incomplete(call->out, json, "There are more accounts than these.");
}

int ctl_account_list(struct ctl_call *call)
{
    return ask_and_show(call, "GET", "/accounts", NULL, show_accounts);
}

static int patch(struct ctl_call *call, struct ask_body *body)
{
    struct ask_path path;
    ask_path_account(&path, call->operands[0], "");
    return ask_and_show(call, "PATCH", path.text, body, show_object);
}

int ctl_account_limit(struct ctl_call *call)
{
    struct ask_body body;
    ask_body_init(&body);
    ask_body_options(&body, call);
    if (json_written(&body.json).len == strlen("{")) {
        fprintf(call->err, "teegatectl: account limit: no limit is given.\n"
                           "Try 'teegatectl help account limit'.\n");
        return CTL_WRONG_USE;
    }
    return patch(call, &body);
}

static int set_suspended(struct ctl_call *call, bool suspended)
{
    struct ask_body body;
    ask_body_init(&body);
    json_bool(&body.json, "suspended", suspended);
    return patch(call, &body);
}

int ctl_account_suspend(struct ctl_call *call)
{
    return set_suspended(call, true);
}

int ctl_account_resume(struct ctl_call *call)
{
    return set_suspended(call, false);
}

/* --- credit ------------------------------------------------------------------------------------
 */

static void show_credited(struct ctl_call *call, const cJSON *json)
{
    show_members(call->out, json);
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "applied")))
        fprintf(call->out, "\nNothing was changed: this reference was counted before.\n");
}

static int credit(struct ctl_call *call, bool may_take)
{
    struct ask_path path;
    struct ask_body body;
    int64_t amount;
    if (!amount_parse(call->operands[1], &amount) || amount == 0 || (amount < 0 && !may_take)) {
        fprintf(call->err,
                "teegatectl: %s: found '%.100s', expected an amount in credits such as %s, %s.\n",
                call->command->name, call->operands[1], may_take ? "-2.5" : "10 or 0.25",
                may_take ? "and not 0" : "above 0 (to take money: credit adjust)");
        return CTL_WRONG_USE;
    }
    ask_path_account(&path, call->operands[0], "/credit");
    ask_body_init(&body);
    json_i64(&body.json, "amount_ucr", amount);
    ask_body_options(&body, call);
    return ask_and_show(call, "POST", path.text, &body, show_credited);
}

int ctl_credit_add(struct ctl_call *call)
{
    return credit(call, false);
}

int ctl_credit_adjust(struct ctl_call *call)
{
    return credit(call, true);
}

/* --- keys --------------------------------------------------------------------------------------
 */

/* "a,b" as an array of texts. */
static void add_list(struct ask_body *body, const char *member, const char *text)
{
    if (text == NULL)
        return;
    json_array(&body->json, member);
    for (struct span rest = span_text(text); rest.len > 0;) {
        struct span one = span_of(rest.ptr, span_find(rest, ','));
        rest = span_from(rest, one.len + 1);
        json_text(&body->json, NULL, span_trim(one));
    }
    json_end_array(&body->json);
}

static void show_minted(struct ctl_call *call, const cJSON *json)
{
    show_members(call->out, json);
    fprintf(call->out, "\nStore the key now: it is shown this once and never again.\n");
}

int ctl_key_mint(struct ctl_call *call)
{
    const struct ctl_value *expires = args_value(call, "--expires");
    struct ask_path path;
    struct ask_body body;
    ask_path_account(&path, call->operands[0], "/keys");
    ask_body_init(&body);
    add_list(&body, "scopes", args_value(call, "--scopes")->text);
    add_list(&body, "cids", args_value(call, "--cids")->text);
    if (expires->text != NULL)
        json_i64(&body.json, "expires_at", clock_unix_ms() / 1000 + expires->number * 86400);
    return ask_and_show(call, "POST", path.text, &body, show_minted);
}

static void show_keys(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {
        {"key_id", "ID"},
        {"scopes", "SCOPES"},
        {"made_at", "MADE"},
        {"expires_at", "EXPIRES"},
        {"revoked_at", "REVOKED"},
        {"cids", "AGENTS"},
        {NULL, NULL},
    };
    show_rows(call->out, cJSON_GetObjectItemCaseSensitive(json, "keys"), columns,
              "No keys. Make one: teegatectl key mint NAME");
}

int ctl_key_list(struct ctl_call *call)
{
    return get(call, "/keys", show_keys);
}

int ctl_key_revoke(struct ctl_call *call)
{
    struct ask_path path;
    ask_path_account(&path, call->operands[0], "/keys");
    ask_path_add(&path, call->operands[1]);
    return ask_and_show(call, "DELETE", path.text, NULL, show_object);
}

/* --- views -------------------------------------------------------------------------------------
 */

static void show_holds(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {
        {"invocation", "INVOCATION"}, {"ceiling_ucr", "HELD"},    {"cost_so_far_ucr", "SO-FAR"},
        {"began_at_ms", "BEGAN"},     {"deadline_ms", "ENDS-BY"}, {"key_id", "KEY"},
        {"gateway", "GATEWAY"},       {"cid", "AGENT"},           {NULL, NULL},
    };
    show_rows(call->out, cJSON_GetObjectItemCaseSensitive(json, "holds"), columns,
              "Nothing is held: no call of this account is under way.");
    show_incomplete(call->out, json, "There are more holds than these.");
}

int ctl_holds(struct ctl_call *call)
{
    return get(call, "/holds", show_holds);
}

static void show_workers(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {
        {"pool", "POOL"},
        {"id", "WORKER"},
        {"state", "STATE"},
        {"proof.tee", "TEE"},
        {"proof.reason", "REASON"},
        {"proof.tcb_status", "TCB"},
        {"proof.expires_at", "PROOF-EXPIRES"},
        {"links", "LINKS"},
        {"streams", "CALLS"},
        {"ttfb_us", "TTFB-US"},
        {"proof.measurement", "MEASUREMENT"},
        {NULL, NULL},
    };
    show_rows(call->out, cJSON_GetObjectItemCaseSensitive(json, "workers"), columns,
              "No workers. Add some to a pool in the configuration and reload (SIGHUP).");
}

int ctl_workers(struct ctl_call *call)
{
    return ask_and_show(call, "GET", "/workers", NULL, show_workers);
}

static void show_receipt_keys(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {{"kid", "KID"}, {"x", "PUBLIC-KEY"}, {NULL, NULL}};
    show_rows(call->out, cJSON_GetObjectItemCaseSensitive(json, "keys"), columns, "No keys.");
}

int ctl_receipts_keys(struct ctl_call *call)
{
    return ask_and_show(call, "GET", "/receipts/keys", NULL, show_receipt_keys);
}

static void show_accepted(struct ctl_call *call, const cJSON *json)
{
    fprintf(call->out,
            cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "accepted"))
                ? "Calls are taken again.\n"
                : "Nothing was to be accepted: calls are not refused for the store's sake.\n");
}

int ctl_store_accept(struct ctl_call *call)
{
    return ask_and_show(call, "POST", "/store/accept", NULL, show_accepted);
}

int ctl_receipts_rotate(struct ctl_call *call)
{
    return ask_and_show(call, "POST", "/receipts/rotate", NULL, show_receipt_keys);
}

static void show_evidence(struct ctl_call *call, const cJSON *json)
{
    const cJSON *one;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(json, "evidence"))
    {
        const cJSON *pem = cJSON_GetObjectItemCaseSensitive(one, "certificate");
        cJSON *facts = cJSON_Duplicate(one, true);
        cJSON_DeleteItemFromObjectCaseSensitive(facts, "certificate");
        show_members(call->out, facts);
        cJSON_Delete(facts);
        if (cJSON_IsString(pem))
            fprintf(call->out, "\n%s\n", pem->valuestring);
    }
}

int ctl_workers_evidence(struct ctl_call *call)
{
    struct ask_path path = {"/workers"};
    ask_path_add(&path, call->operands[0]);
    ask_path_add(&path, "evidence");
    return ask_and_show(call, "GET", path.text, NULL, show_evidence);
}

static void show_live(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {
        {"invocation", "INVOCATION"}, {"account", "ACCOUNT"}, {"step", "STEP"},
        {"age_ms", "AGE-MS"},         {"bytes_in", "IN"},     {"bytes_out", "OUT"},
        {"worker", "WORKER"},         {"cid", "AGENT"},       {NULL, NULL},
    };
    show_rows(call->out, cJSON_GetObjectItemCaseSensitive(json, "exchanges"), columns,
              "No calls are under way.");
}

int ctl_live(struct ctl_call *call)
{
    return ask_and_show(call, "GET", "/exchanges", NULL, show_live);
}

int ctl_metrics(struct ctl_call *call)
{
    return ask_and_show(call, "GET", "/metrics", NULL, NULL);
}

/* Alive first: a gateway that is not ready has said that it runs. */
int ctl_health(struct ctl_call *call)
{
    struct answer alive;
    int outcome = ask(call, "GET", "/healthz", NULL, &alive);
    if (outcome != CTL_OK)
        return outcome;
    answer_fini(&alive);
    return ask_and_show(call, "GET", "/readyz", NULL, show_object);
}
