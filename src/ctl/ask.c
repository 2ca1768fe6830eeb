#include "ctl/ask.h"

#include <stdlib.h>
#include <string.h>

enum { SENTENCE_MAX = 1024 };

/* --- questions ---------------------------------------------------------------------------------
 */

static bool is_unreserved(unsigned char c)
{
    bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    return alnum || (c != 0 && strchr("-._~@", c) != NULL);
}

/* Too long a name ends in a shorter one nobody has: the encoded form is at most a third. */
static void add_encoded(struct ask_path *path, const char *text)
{
    size_t used = strlen(path->text);
    for (; *text != '\0' && used + 4 < sizeof(path->text); ++text) {
        unsigned char c = (unsigned char)*text;
        used += (size_t)snprintf(path->text + used, sizeof(path->text) - used,
                                 is_unreserved(c) ? "%c" : "%%%02X", c);
    }
}

static void add_plain(struct ask_path *path, const char *text)
{
    size_t used = strlen(path->text);
    snprintf(path->text + used, sizeof(path->text) - used, "%s", text);
}

void ask_path_account(struct ask_path *path, const char *name, const char *rest)
{
    snprintf(path->text, sizeof(path->text), "/accounts/");
    add_encoded(path, name);
    add_plain(path, rest);
}

void ask_path_add(struct ask_path *path, const char *part)
{
    add_plain(path, "/");
    add_encoded(path, part);
}

void ask_body_init(struct ask_body *body)
{
    json_init(&body->json, body->memory, sizeof(body->memory));
    json_object(&body->json, NULL);
}

void ask_body_options(struct ask_body *body, const struct ctl_call *call)
{
    const struct ctl_option *options = call->command->options;
    for (unsigned i = 0; options[i].name != NULL; ++i) {
        const struct ctl_value *value = &call->values[i];
        if (options[i].member == NULL || value->text == NULL)
            continue;
        if (options[i].kind == OPTION_TEXT || options[i].kind == OPTION_WORD)
            json_text(&body->json, options[i].member, span_text(value->text));
        else
            json_i64(&body->json, options[i].member, value->number);
    }
}

/* --- refusals ----------------------------------------------------------------------------------
 */

static const char *text_of(const cJSON *json, const char *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, member);
    return cJSON_IsString(item) && item->valuestring[0] != '\0' ? item->valuestring : NULL;
}

static const char *next_step(int status)
{
    static const struct {
        int status;
        const char *words;
    } steps[] = {
        {400, "Change what the sentence above names and try again."},
        {404, "'teegatectl account list' and 'teegatectl key list NAME' show what there is."},
        {409,
         "Nothing was changed. 'teegatectl account show NAME' shows what stands; another name or "
         "reference may do."},
        {413, "Ask for less at once."},
        {503,
         "Try again when it is back; the gateway's log says more. A change may have been made or "
         "not: look first, or repeat a credit with the same --ref, which counts once."},
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); ++i)
        if (steps[i].status == status)
            return steps[i].words;
    return "See the gateway's log for more.";
}

/* Foreign text on a terminal: without what it would act on. */
static void say_plain(FILE *err, const char *text)
{
    for (; *text != '\0'; ++text)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, err);
}

static int say_refusal(struct ctl_call *call, const struct answer *answer)
{
    cJSON *json = cJSON_Parse(answer->body != NULL ? answer->body : "");
    const char *title = text_of(json, "title");
    const char *detail = text_of(json, "detail");
    if (call->json && json != NULL) {
        fprintf(call->err, "%s\n", answer->body);
    } else {
        fprintf(call->err, "teegatectl: ");
        say_plain(call->err, title != NULL ? title : "the gateway refused this");
        fprintf(call->err, " (%d)", answer->status);
        if (detail != NULL && (title == NULL || strcmp(title, detail) != 0)) {
            fprintf(call->err, ": ");
            say_plain(call->err, detail);
        }
        fprintf(call->err, "\n%s\n", next_step(answer->status));
    }
    cJSON_Delete(json);
    return CTL_REFUSED;
}

int ask(struct ctl_call *call, const char *method, const char *target, struct ask_body *body,
        struct answer *answer)
{
    char error[CLIENT_ERROR_MAX];
    struct span text = SPAN_NONE;
    int outcome = CTL_OK;
    if (body != NULL) {
        json_end_object(&body->json);
        text = json_written(&body->json);
        if (body->json.cut) {
            fprintf(call->err, "teegatectl: the request is too long.\n");
            answer_init(answer);
            return CTL_WRONG_USE;
        }
    }
    if (!client_call(call->socket, CLIENT_MS_MAX, method, target, text, answer, error)) {
        fprintf(call->err, "teegatectl: %s\n", error);
        outcome = CTL_AWAY;
    } else if (answer->status >= 300) {
        outcome = say_refusal(call, answer);
    }
    if (outcome != CTL_OK)
        answer_fini(answer);
    return outcome;
}

static void show_raw(struct ctl_call *call, const struct answer *answer)
{
    fwrite(answer->body, 1, answer->body_len, call->out);
    if (answer->body_len == 0 || answer->body[answer->body_len - 1] != '\n')
        fputc('\n', call->out);
}

int ask_and_show(struct ctl_call *call, const char *method, const char *target,
                 struct ask_body *body, void (*show)(struct ctl_call *call, const cJSON *json))
{
    struct answer answer;
    int outcome = ask(call, method, target, body, &answer);
    if (outcome != CTL_OK)
        return outcome;
    if (call->json || show == NULL) {
        show_raw(call, &answer);
    } else {
        cJSON *json = cJSON_ParseWithLength(answer.body, answer.body_len);
        if (cJSON_IsObject(json)) {
            show(call, json);
        } else {
            fprintf(call->err, "teegatectl: the gateway's answer is not a JSON object.\n");
            outcome = CTL_AWAY;
        }
        cJSON_Delete(json);
    }
    answer_fini(&answer);
    return outcome;
}
