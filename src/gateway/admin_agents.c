/* The route of agents: which pool runs each, and what it costs. */
#include <stdlib.h>

#include "base/alloc.h"
#include "gateway/admin_core.h"

enum { AGENTS_SHOWN_MAX = 2000, AGENT_JSON_MAX = 2048, HEAD_MAX = 256 };

struct view {
    struct json json;
    unsigned count;
};

static void show_units(struct json *json, const struct price *price)
{
    json_array(json, "units");
    for (uint32_t i = 0; i < price->unit_count; ++i) {
        json_object(json, NULL);
        json_text(json, "name", span_text(price->units[i].name));
        json_u64(json, "pcr", price->units[i].pcr);
        json_u64(json, "cap", price->units[i].cap);
        json_end_object(json);
    }
    json_end_array(json);
}

static void show_agent(struct view *view, const struct agent *agent)
{
    struct json *json = &view->json;
    char cid[CID_TEXT_MAX];
    if (view->count == AGENTS_SHOWN_MAX)
        return;
    ++view->count;
    json_object(json, NULL);
    json_text(json, "cid", agent->any ? SPAN_OF("*") : span_of(cid, cid_text(&agent->cid, cid)));
    json_text(json, "pool", span_text(agent->pool));
    json_bool(json, "metered", agent->metered);
    json_u64(json, "call_pcr", agent->price.call_pcr);
    json_u64(json, "ms_pcr", agent->price.ms_pcr);
    json_u64(json, "mib_ms_pcr", agent->price.mib_ms_pcr);
    json_u64(json, "kib_in_pcr", agent->price.kib_in_pcr);
    json_u64(json, "kib_out_pcr", agent->price.kib_out_pcr);
    json_u64(json, "memory_mib", agent->price.memory_mib);
    json_u64(json, "least_ucr", agent->price.min_ucr);
    show_units(json, &agent->price);
    json_end_object(json);
}

static void visit_agent(void *arg, struct span key, void *value)
{
    (void)key;
    show_agent(arg, value);
}

void admin_show_agents(struct admin_request *request)
{
    const struct agents *agents = &request->admin->parts.site->agents->agents;
    size_t total = agents->by_cid.count + (agents->any != NULL);
    size_t bytes =
        HEAD_MAX + (total < AGENTS_SHOWN_MAX ? total : AGENTS_SHOWN_MAX) * AGENT_JSON_MAX;
    struct view view = {.count = 0};
    if (!admin_query(request, NULL, 0))
        return;
    char *memory = alloc_zeroed(bytes);
    json_init(&view.json, memory, bytes);
    json_object(&view.json, NULL);
    json_array(&view.json, "agents");
    if (agents->any != NULL)
        show_agent(&view, agents->any);
    map_visit(&agents->by_cid, visit_agent, &view);
    json_end_array(&view.json);
    json_bool(&view.json, "complete", view.count == total);
    json_end_object(&view.json);
    admin_answer_json(request, 200, json_written(&view.json));
    free(memory);
}
