#include "rules/agents.h"

#include <stdlib.h>

void agents_init(struct agents *agents, uint64_t seed)
{
    agents->any = NULL;
    map_init(&agents->by_cid, AGENTS_MAX, seed);
}

static void free_row(void *arg, struct span key, void *value)
{
    (void)arg;
    (void)key;
    free(value);
}

void agents_fini(struct agents *agents)
{
    map_visit(&agents->by_cid, free_row, NULL);
    map_fini(&agents->by_cid);
    free(agents->any);
    agents->any = NULL;
}

bool agents_add(struct agents *agents, struct agent *agent)
{
    if (!agent->any)
        return map_add(&agents->by_cid, cid_span(&agent->cid), agent);
    if (agents->any != NULL)
        return false;
    agents->any = agent;
    return true;
}

const struct agent *agents_find(const struct agents *agents, const struct cid *cid)
{
    const struct agent *agent = map_find(&agents->by_cid, cid_span(cid));
    return agent != NULL ? agent : agents->any;
}
