/* The files of secrets_dir: made when missing, read strictly, never replaced. */
#include "callers/secrets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/checks.h"

static char parent[64], dir[80], error[512];

static const char *path_of(const char *name)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void open_dir(void)
{
    snprintf(parent, sizeof(parent), P_tmpdir "/teegate-secrets-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(parent));
    snprintf(dir, sizeof(dir), "%s/secrets", parent);
}

static void close_dir(void)
{
    unlink(path_of("invocation-keys"));
    unlink(path_of("agent-caller-key"));
    ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left in it */
    ck_assert_int_eq(rmdir(parent), 0);
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

START_TEST(what_is_missing_is_made_once_and_only_for_its_owner)
{
    struct token_keys first, again;
    enum secrets_state state;
    struct stat facts;
    open_dir();
    ck_assert(secrets_read(dir, false, &first, &state, error, sizeof(error)));
    ck_assert_int_eq(state, SECRETS_MISSING);
    ck_assert_uint_eq(first.count, 0);
    ck_assert_int_ne(access(dir, F_OK), 0); /* looking makes nothing */
    ck_assert(secrets_read(dir, true, &first, &state, error, sizeof(error)));
    ck_assert_int_eq(state, SECRETS_GENERATED);
    ck_assert_uint_eq(first.count, 1);
    ck_assert_int_eq(stat(path_of("invocation-keys"), &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(path_of("agent-caller-key"), &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0600);
    ck_assert(secrets_read(dir, true, &again, &state, error, sizeof(error)));
    ck_assert_mem_eq(&first, &again, sizeof(first));
    ck_assert(secrets_read(dir, false, &again, &state, error, sizeof(error)));
    ck_assert_mem_eq(&first, &again, sizeof(first));
    close_dir();
}
END_TEST

START_TEST(two_keys_are_read_in_their_order_and_comments_left_out)
{
    struct token_keys keys;
    enum secrets_state state;
    open_dir();
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    put("invocation-keys",
        "# mine\nnew " HEX "\n\n  old ff00112233445566778899aabbccddeeff"
        "00112233445566778899aabbccddee\n",
        0600);
    put("agent-caller-key", HEX, 0640);
    ck_assert_msg(secrets_read(dir, true, &keys, &state, error, sizeof(error)), "%s", error);
    ck_assert_int_eq(state, SECRETS_GIVEN);
    ck_assert_uint_eq(keys.count, 2);
    ck_assert_str_eq(keys.at[0].kid, "new");
    ck_assert_str_eq(keys.at[1].kid, "old");
    ck_assert_uint_eq(keys.at[0].bytes[1], 0x11);
    ck_assert_uint_eq(keys.at[1].bytes[0], 0xff);
    ck_assert_uint_eq(keys.caller_key[31], 0xff);
    close_dir();
}
END_TEST

START_TEST(a_file_that_is_not_wholly_right_is_refused_without_showing_it)
{
    static const char *const bad[] = {
        "",
        "# nothing\n",
        "kid\n",
        "kid \n",
        " " HEX "\n",
        "kid " HEX "0\n",
        "kid 0011\n",
        "Kid " HEX "\n",
        "k_d " HEX "\n",
        "abcdefghijklmnopq " HEX "\n",
        "kid  " HEX "\n",
        "kid " HEX " x\n",
        "kid 0011223344556677889GaabbccddeeFF00112233445566778899aabbccddeeff\n",
        "a " HEX "\na " HEX "\n",
        "a " HEX "\nb " HEX "\nc " HEX "\n",
    };
    struct token_keys keys;
    enum secrets_state state;
    open_dir();
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    put("agent-caller-key", HEX "\n", 0600);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        put("invocation-keys", bad[i], 0600);
        ck_assert_msg(!secrets_read(dir, true, &keys, &state, error, sizeof(error)), "%zu", i);
        ck_assert_uint_eq(keys.count, 0);
        ck_assert_ptr_nonnull(strstr(error, "invocation-keys"));
        ck_assert_ptr_null(strstr(error, "0011"));
    }
    put("invocation-keys", "kid " HEX "\n", 0600);
    put("agent-caller-key", HEX "\n" HEX "\n", 0600);
    ck_assert(!secrets_read(dir, true, &keys, &state, error, sizeof(error)));
    put("agent-caller-key", HEX "\n", 0604);
    ck_assert(!secrets_read(dir, true, &keys, &state, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "chmod"));
    put("agent-caller-key", HEX "\n", 0600);
    ck_assert(secrets_read(dir, true, &keys, &state, error, sizeof(error)));
    char large[8192];
    memset(large, '#', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    put("invocation-keys", large, 0600);
    ck_assert(!secrets_read(dir, true, &keys, &state, error, sizeof(error)));
    close_dir();
}
END_TEST

int main(void)
{
    const TTest *tests[] = {what_is_missing_is_made_once_and_only_for_its_owner,
                            two_keys_are_read_in_their_order_and_comments_left_out,
                            a_file_that_is_not_wholly_right_is_refused_without_showing_it, NULL};
    return checks_run("secrets", tests);
}
