#include "gateway/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "gateway/lane.h"
#include "gateway/redis_child.h"

enum {
    ERROR_MAX = CONFIG_ERROR_MAX,
    LANES_MAX = 256,
    TICK_S = 1,
    STORE_LOOK_MS = 5,
    STORE_LOOKS_MAX = 1000
};

struct gateway {
    const char *config_file;
    struct log log;
    struct log access_log;
    struct snapshot *snapshot;
    struct journal *journal;
    struct attester *attester;
    struct redis_child store;
    struct redis_options redis;
    struct lane *lanes[LANES_MAX];
    unsigned lane_count;
    char addresses[CONFIG_LISTENERS_MAX][ADDRESS_TEXT_MAX]; /* as bound */
    char error[ERROR_MAX];
};

/* --- what a configuration says --------------------------------------------------------------- */

static struct snapshot *read_snapshot(const char *file, const struct snapshot *older, char *error)
{
    struct config *config = config_read(file, error);
    return config == NULL ? NULL : snapshot_build(config, older, error, ERROR_MAX);
}

static void print_warnings(const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->registry->pool_count; ++i) {
        const struct pool_facts *pool = &snapshot->registry->pools[i];
        if (trust_is_simulated(pool->trust))
            printf("warning: pool %s trusts roots of its own (attestation.roots): for simulated "
                   "TEEs only\n",
                   pool->name);
        if (!trust_has_files(pool->trust) && trust_is_simulated(pool->trust) &&
            snapshot->config->collateral.endpoint_count == 0)
            printf("warning: pool %s has no attestation.collateral, and for roots of its own none "
                   "is fetched without collateral.endpoints\n",
                   pool->name);
        if (pool->worker_count == 0)
            printf("warning: pool %s has no worker\n", pool->name);
    }
}

int gateway_check(const char *config_file)
{
    char error[ERROR_MAX] = "";
    struct snapshot *snapshot = read_snapshot(config_file, NULL, error);
    if (snapshot == NULL) {
        fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    print_warnings(snapshot);
    printf("%s: the configuration is good: %u listeners, %u pools, %u agents\n", config_file,
           snapshot->config->listener_count, snapshot->config->pool_count,
           snapshot->config->agent_count);
    snapshot_give(snapshot);
    return EXIT_SUCCESS;
}

/* --- starting -------------------------------------------------------------------------------- */

static bool make_state_dir(struct gateway *gateway)
{
    const char *dir = gateway->snapshot->config->state_dir;
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return true;
    snprintf(gateway->error, ERROR_MAX, "state_dir: cannot make %s: %s", dir, strerror(errno));
    return false;
}

static bool read_password(struct gateway *gateway)
{
    const char *file = gateway->snapshot->config->redis_password_file;
    if (file[0] == '\0')
        return true;
    FILE *in = fopen(file, "re");
    char *line =
        in == NULL ? NULL : fgets(gateway->redis.password, sizeof(gateway->redis.password), in);
    if (in != NULL)
        fclose(in);
    if (line == NULL) {
        snprintf(gateway->error, ERROR_MAX, "redis.password_file: cannot read a line of %s", file);
        return false;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static bool open_store(struct gateway *gateway)
{
    const struct config *config = gateway->snapshot->config;
    char text[PATH_MAX + 8];
    char why[512];
    snprintf(text, sizeof(text), "%s", config->redis_address);
    if (strcmp(text, "embedded") == 0) {
        if (!redis_child_start(&gateway->store, config->state_dir, &gateway->log, gateway->error,
                               ERROR_MAX))
            return false;
        snprintf(text, sizeof(text), "unix:%s", gateway->store.socket);
    }
    if (!address_parse(&gateway->redis.address, span_text(text), why, sizeof(why))) {
        snprintf(gateway->error, ERROR_MAX, "redis.address: %s", why);
        return false;
    }
    snprintf(gateway->redis.user, sizeof(gateway->redis.user), "%s", config->redis_user);
    return read_password(gateway);
}

/* Every lane has a descriptor of its own for each address; port 0 is picked by the first one. */
static bool open_listeners(struct gateway *gateway, struct lane_options *lanes)
{
    const struct config *config = gateway->snapshot->config;
    char why[512];
    for (uint32_t i = 0; i < config->listener_count; ++i) {
        struct address address;
        if (!address_parse(&address, span_text(config->listeners[i].address), why, sizeof(why)))
            return false; /* snapshot_build saw that it parses */
        for (unsigned lane = 0; lane < gateway->lane_count; ++lane) {
            int fd = socket_listen(&address, true, why, sizeof(why));
            if (fd < 0) {
                snprintf(gateway->error, ERROR_MAX, "%s:%u: listen.address: %s", config->file,
                         config->listeners[i].line, why);
                return false;
            }
            lanes[lane].listeners[i] = fd;
            if (!socket_local(fd, &address))
                return false;
            address_text(&address, true, gateway->addresses[i]);
        }
    }
    return true;
}

static bool open_admin(struct gateway *gateway, struct lane_options *lane)
{
    char text[PATH_MAX + 8];
    char why[512];
    struct address address;
    snprintf(text, sizeof(text), "unix:%s", gateway->snapshot->config->admin_socket);
    lane->admin = -1;
    if (address_parse(&address, span_text(text), why, sizeof(why)))
        lane->admin = socket_listen(&address, false, why, sizeof(why));
    if (lane->admin < 0)
        snprintf(gateway->error, ERROR_MAX, "admin.socket: %s", why);
    return lane->admin >= 0;
}

static void say_simulated(const struct gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->snapshot->registry->pool_count; ++i) {
        const struct pool_facts *pool = &gateway->snapshot->registry->pools[i];
        if (trust_is_simulated(pool->trust))
            log_say(&gateway->log, LOG_WARNING, "simulated-trust",
                    "pool %s trusts roots of its own: nothing it says of TEEs holds in production",
                    pool->name);
    }
}

static unsigned count_lanes(const struct config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned lanes = config->lanes > 0 ? config->lanes : cores > 0 ? (unsigned)cores : 1;
    return lanes > LANES_MAX ? LANES_MAX : lanes;
}

static void close_listeners(struct gateway *gateway, struct lane_options *lanes)
{
    for (unsigned lane = 0; lane < gateway->lane_count; ++lane) {
        for (unsigned i = 0; i < CONFIG_LISTENERS_MAX; ++i)
            if (lanes[lane].listeners[i] >= 0)
                close(lanes[lane].listeners[i]);
        if (lanes[lane].admin >= 0)
            close(lanes[lane].admin);
    }
}

static void say_ready(const struct gateway *gateway)
{
    struct log_line line;
    const struct config *config = gateway->snapshot->config;
    log_begin(&line, LOG_NOTICE, "ready");
    json_array(&line.json, "listen");
    for (uint32_t i = 0; i < config->listener_count; ++i)
        json_text(&line.json, NULL, span_text(gateway->addresses[i]));
    json_end_array(&line.json);
    json_text(&line.json, "admin", span_text(config->admin_socket));
    json_u64(&line.json, "lanes", gateway->lane_count);
    json_u64(&line.json, "pid", (uint64_t)getpid());
    log_write(&gateway->log, &line);
}

/* Ready means that a call can be taken. A store elsewhere may be away for longer: then calls are
 * refused until it is there, and the log says so. */
static void await_store(struct gateway *gateway)
{
    const struct timespec pause = {0, STORE_LOOK_MS * 1000000L};
    for (unsigned look = 0; look < STORE_LOOKS_MAX; ++look) {
        unsigned up = 0;
        for (unsigned i = 0; i < gateway->lane_count; ++i)
            up += lane_has_store(gateway->lanes[i]);
        if (up == gateway->lane_count)
            return;
        nanosleep(&pause, NULL);
    }
    log_say(&gateway->log, LOG_ERROR, "store-away",
            "no answer from the metering store at %s: calls are refused until it is there",
            gateway->snapshot->config->redis_address);
}

/* Read by lane 0 for admin: the lanes are all made before the first one runs. */
static unsigned all_stats(void *owner, const struct stats **out, unsigned lanes_max)
{
    const struct gateway *gateway = owner;
    unsigned count = gateway->lane_count < lanes_max ? gateway->lane_count : lanes_max;
    for (unsigned i = 0; i < count; ++i)
        out[i] = lane_stats(gateway->lanes[i]);
    return count;
}

static bool start_lanes(struct gateway *gateway)
{
    gateway->lane_count = count_lanes(gateway->snapshot->config);
    struct lane_options *lanes = alloc_array(gateway->lane_count, sizeof(*lanes));
    for (unsigned i = 0; i < gateway->lane_count; ++i) {
        lanes[i] = (struct lane_options){.index = i,
                                         .lane_count = gateway->lane_count,
                                         .admin = -1,
                                         .redis = gateway->redis,
                                         .snapshot = gateway->snapshot,
                                         .journal = gateway->journal,
                                         .attester = gateway->attester,
                                         .log = &gateway->log,
                                         .access_log = &gateway->access_log,
                                         .lanes = all_stats,
                                         .lanes_owner = gateway};
        memset(lanes[i].listeners, -1, sizeof(lanes[i].listeners));
    }
    bool opened = open_listeners(gateway, lanes) && open_admin(gateway, &lanes[0]);
    if (opened) {
        say_simulated(gateway);
        for (unsigned i = 0; i < gateway->lane_count; ++i)
            gateway->lanes[i] = lane_new(&lanes[i]);
        for (unsigned i = 0; i < gateway->lane_count; ++i)
            lane_start(gateway->lanes[i]);
        await_store(gateway);
        say_ready(gateway);
    } else {
        close_listeners(gateway, lanes);
    }
    free(lanes);
    return opened;
}

/* Secrets of callers and workers pass through this memory: no core of it, no look from outside. */
static void harden(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

static bool start(struct gateway *gateway)
{
    char *error = gateway->error;
    gateway->snapshot = read_snapshot(gateway->config_file, NULL, error);
    if (gateway->snapshot == NULL || !make_state_dir(gateway) ||
        !snapshot_remember(gateway->snapshot, clock_unix_ms() / 1000, error, ERROR_MAX))
        return false;
    const struct config *config = gateway->snapshot->config;
    gateway->log = (struct log){.fd = STDERR_FILENO, .level = (enum log_level)config->log_level};
    gateway->access_log =
        (struct log){.fd = config->log_access ? STDOUT_FILENO : -1, .level = LOG_DEBUG};
    gateway->journal = journal_open(config->state_dir, 0, error, ERROR_MAX);
    if (gateway->journal == NULL || !open_store(gateway))
        return false;
    gateway->attester = attester_start(&gateway->log);
    attester_configure(gateway->attester, &config->collateral);
    return start_lanes(gateway);
}

/* --- running --------------------------------------------------------------------------------- */

static bool needs_restart(const struct config *old, const struct config *new)
{
    if (old->listener_count != new->listener_count || old->lanes != new->lanes ||
        strcmp(old->state_dir, new->state_dir) != 0 ||
        strcmp(old->redis_address, new->redis_address) != 0 ||
        strcmp(old->redis_user, new->redis_user) != 0 ||
        strcmp(old->redis_password_file, new->redis_password_file) != 0 ||
        old->hold_ms_max != new->hold_ms_max || old->log_level != new->log_level ||
        old->log_access != new->log_access || strcmp(old->admin_socket, new->admin_socket) != 0)
        return true;
    for (uint32_t i = 0; i < old->listener_count; ++i)
        if (strcmp(old->listeners[i].address, new->listeners[i].address) != 0 ||
            (old->listeners[i].certificate[0] == '\0') !=
                (new->listeners[i].certificate[0] == '\0'))
            return true;
    return false;
}

static void reload(struct gateway *gateway)
{
    struct snapshot *fresh = read_snapshot(gateway->config_file, gateway->snapshot, gateway->error);
    if (fresh == NULL) {
        log_say(&gateway->log, LOG_ERROR, "reload-refused", "%.900s", gateway->error);
        return;
    }
    if (needs_restart(gateway->snapshot->config, fresh->config)) {
        log_say(
            &gateway->log, LOG_ERROR, "reload-refused",
            "listen, lanes, state_dir, redis, log or admin.socket changed: they take a restart; "
            "nothing was applied");
        snapshot_give(fresh);
        return;
    }
    if (!snapshot_remember(fresh, clock_unix_ms() / 1000, gateway->error, ERROR_MAX)) {
        log_say(&gateway->log, LOG_ERROR, "reload-refused", "%.900s", gateway->error);
        snapshot_give(fresh);
        return;
    }
    attester_configure(gateway->attester, &fresh->config->collateral);
    for (unsigned i = 0; i < gateway->lane_count; ++i)
        lane_apply(gateway->lanes[i], fresh);
    snapshot_give(gateway->snapshot);
    gateway->snapshot = fresh;
    log_say(&gateway->log, LOG_NOTICE, "reloaded", "%u pools, %u agents", fresh->config->pool_count,
            fresh->config->agent_count);
}

static void wanted_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
}

/* Until SIGTERM or SIGINT. Lanes run with these signals blocked: only this thread takes them. */
static void supervise(struct gateway *gateway)
{
    sigset_t set;
    const struct timespec tick = {TICK_S, 0};
    wanted_signals(&set);
    for (;;) {
        int signal_number = sigtimedwait(&set, NULL, &tick);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            return;
        if (signal_number == SIGHUP)
            reload(gateway);
        redis_child_supervise(&gateway->store);
    }
}

static void stop(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->lane_count; ++i)
        if (gateway->lanes[i] != NULL)
            lane_drain(gateway->lanes[i], gateway->snapshot->config->drain_ms_max);
    for (unsigned i = 0; i < gateway->lane_count; ++i)
        if (gateway->lanes[i] != NULL)
            lane_join(gateway->lanes[i]);
    if (gateway->attester != NULL)
        attester_stop(gateway->attester);
    redis_child_stop(&gateway->store);
    if (gateway->journal != NULL)
        journal_close(gateway->journal);
    if (gateway->snapshot != NULL)
        snapshot_give(gateway->snapshot);
}

int gateway_run(const char *config_file)
{
    struct gateway *gateway = alloc_zeroed(sizeof(*gateway));
    sigset_t set;
    gateway->config_file = config_file;
    wanted_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    harden();
    bool started = start(gateway);
    if (started) {
        supervise(gateway);
        log_say(&gateway->log, LOG_NOTICE, "draining", "finishing the calls under way");
    } else {
        fprintf(stderr, "teegate: %s\n", gateway->error);
    }
    stop(gateway);
    if (started)
        log_say(&gateway->log, LOG_NOTICE, "stopped", "all is settled and closed");
    free(gateway);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
