#include "workers/trust.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/fake_attest.h"
#include "unit/workers/parts.h"
#include "workers/files.h"

static char folder[64];
static char error[512];

static const char *path_of(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "test_trust.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    fake_attest()->alive = 0;
    put_text("policy.json", "{\"accept\":[]}");
    ck_assert_int_eq(mkdir(path_of("c"), 0700), 0);
}

static void tear_down(void)
{
    static const char *const names[] = {"policy.json", "c/a.json", "c/b.json", "c/c.txt",
                                        "c/.d.json",   "root.pem", "big.json", "other.json"};
    char name[32];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
        unlink(path_of(names[i]));
    for (int i = 0; i <= FILES_MAX; ++i) {
        snprintf(name, sizeof(name), "c/%04d.json", i);
        unlink(path_of(name));
    }
    rmdir(path_of("c"));
    rmdir(folder);
    ck_assert_uint_eq(fake_attest()->alive, 0);
}

static struct trust *read_with(const char *collateral, const char *roots)
{
    error[0] = '\0';
    return trust_read(path_of("policy.json"), &collateral, collateral == NULL ? 0 : 1, roots, error,
                      sizeof(error));
}

START_TEST(a_policy_alone_is_enough_to_refuse_everybody)
{
    struct trust *trust = read_with(NULL, NULL);
    ck_assert_msg(trust != NULL, "%s", error);
    ck_assert(!trust_is_simulated(trust));
    trust_give(trust);
}
END_TEST

START_TEST(given_roots_make_a_simulation)
{
    put_text("root.pem", "-----BEGIN CERTIFICATE-----");
    struct trust *trust = read_with(NULL, path_of("root.pem"));
    ck_assert_msg(trust != NULL, "%s", error);
    ck_assert(trust_is_simulated(trust));
    trust_give(trust);
}
END_TEST

START_TEST(a_folder_gives_its_json_files_and_no_other)
{
    struct attest_verdict verdict;
    put_text("c/a.json", "{}");
    put_text("c/b.json", "{ }");
    put_text("c/c.txt", "not read");
    put_text("c/.d.json", "not read");
    struct trust *trust = read_with(path_of("c"), NULL);
    ck_assert_msg(trust != NULL, "%s", error);
    fake_attest_trust(99);
    struct grounds grounds = {.trust = trust};
    grounds.collateral_count = trust_collateral(trust, &grounds.collateral);
    trust_judge(&grounds, SPAN_OF("cert"), 42, &verdict);
    ck_assert_uint_eq(fake_attest()->collateral_count, 2);
    ck_assert_int_eq(fake_attest()->now, 42);
    ck_assert_uint_eq(fake_attest()->der_len, 4);
    ck_assert(attest_is_trusted(&verdict));
    trust_give(trust);
}
END_TEST

START_TEST(what_cannot_be_read_is_named)
{
    const char *file = path_of("c/a.json");
    ck_assert_ptr_null(read_with(path_of("nowhere"), NULL));
    ck_assert_ptr_nonnull(strstr(error, "nowhere"));
    ck_assert_ptr_null(read_with(path_of("c"), NULL));
    ck_assert_ptr_nonnull(strstr(error, "without any *.json"));
    ck_assert_ptr_null(read_with(NULL, path_of("c")));
    ck_assert_ptr_nonnull(strstr(error, "without any *.pem"));
    put_text("c/a.json", "no object");
    ck_assert_ptr_null(read_with(path_of("c"), NULL));
    ck_assert_ptr_nonnull(strstr(error, file));
    ck_assert_ptr_null(read_with("/dev/null", NULL));
    ck_assert_ptr_nonnull(strstr(error, "/dev/null: not a regular file"));
    put_text("policy.json", "");
    ck_assert_ptr_null(read_with(NULL, NULL));
    ck_assert_ptr_nonnull(strstr(error, "policy.json"));
}
END_TEST

START_TEST(a_file_may_have_2_mib_and_not_one_byte_more)
{
    char *bytes = calloc(1, FILE_BYTES_MAX + 1);
    ck_assert_ptr_nonnull(bytes);
    bytes[0] = '{';
    put("big.json", bytes, FILE_BYTES_MAX);
    struct trust *trust = read_with(path_of("big.json"), NULL);
    ck_assert_msg(trust != NULL, "%s", error);
    trust_give(trust);
    put("big.json", bytes, FILE_BYTES_MAX + 1);
    ck_assert_ptr_null(read_with(path_of("big.json"), NULL));
    ck_assert_ptr_nonnull(strstr(error, "2 MiB"));
    free(bytes);
}
END_TEST

START_TEST(a_folder_may_have_256_files_and_not_one_more)
{
    char name[32];
    for (int i = 0; i < FILES_MAX; ++i) {
        snprintf(name, sizeof(name), "c/%04d.json", i);
        put_text(name, "{}");
    }
    struct trust *trust = read_with(path_of("c"), NULL);
    ck_assert_msg(trust != NULL, "%s", error);
    trust_give(trust);
    snprintf(name, sizeof(name), "c/%04d.json", FILES_MAX);
    put_text(name, "{}");
    ck_assert_ptr_null(read_with(path_of("c"), NULL));
    ck_assert_ptr_nonnull(strstr(error, "256"));
}
END_TEST

START_TEST(the_same_bytes_are_the_same_trust_and_others_are_not)
{
    put_text("c/a.json", "{}");
    struct trust *one = read_with(path_of("c/a.json"), NULL);
    struct trust *same = read_with(path_of("c"), NULL);
    struct trust *none = read_with(NULL, NULL);
    put_text("c/a.json", "{ }");
    struct trust *changed = read_with(path_of("c"), NULL);
    put_text("c/a.json", "{}");
    put_text("policy.json", "{\"accept\":[] }");
    struct trust *policy = read_with(path_of("c"), NULL);
    put_text("policy.json", "{\"accept\":[]}");
    put_text("root.pem", "-----BEGIN");
    struct trust *roots = read_with(path_of("c"), path_of("root.pem"));
    ck_assert(trust_is_same(one, same));
    ck_assert(!trust_is_same(one, none));
    ck_assert(!trust_is_same(one, changed));
    ck_assert(!trust_is_same(one, policy));
    ck_assert(!trust_is_same(one, roots));
    ck_assert(!trust_is_same(one, NULL));
    ck_assert(trust_is_same(NULL, NULL));
    struct trust *all[] = {one, same, none, changed, policy, roots};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); ++i)
        trust_give(all[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_policy_alone_is_enough_to_refuse_everybody,
                                  given_roots_make_a_simulation,
                                  a_folder_gives_its_json_files_and_no_other,
                                  what_cannot_be_read_is_named,
                                  a_file_may_have_2_mib_and_not_one_byte_more,
                                  a_folder_may_have_256_files_and_not_one_more,
                                  the_same_bytes_are_the_same_trust_and_others_are_not,
                                  NULL};
    return parts_run("workers/trust", tests, set_up, tear_down);
}
