#include "simulate/simulate_files.h"
#include "simulate/simulate_pki.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 10000, LOCK_STEP_MS = 50 };

#define ROOT_CERT "roots/root.pem"
#define REVOKED   "pki/revoked.txt"

bool simulate_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("attest-verify simulate: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

static bool join(const struct simulate_folder *folder, const char *name, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/%s", folder->path, name);
    if (len < 0 || len >= PATH_MAX)
        return simulate_complain("the path %.64s.. is too long; name a shorter DIR", folder->path);
    return true;
}

/* --- writing --- */

static bool write_whole(int fd, const struct simulate_bytes *content)
{
    size_t done = 0;
    while (done < content->len) {
        ssize_t n = write(fd, content->ptr + done, content->len - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool simulate_folder_write(const struct simulate_folder *folder, const char *name,
                           const struct simulate_bytes *content, bool is_secret)
{
    char path[PATH_MAX], beside[PATH_MAX + 8];
    if (!join(folder, name, path))
        return false;
    snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    int fd = mkstemp(beside); /* mode 0600 */
    if (fd < 0)
        return simulate_complain("cannot write %s: %s", path, strerror(errno));
    bool ok = write_whole(fd, content) && fchmod(fd, is_secret ? 0600 : 0644) == 0;
    ok = close(fd) == 0 && ok;
    ok = ok && rename(beside, path) == 0;
    if (!ok) {
        simulate_complain("cannot write %s: %s", path, strerror(errno));
        unlink(beside);
        return false;
    }
    puts(path);
    return true;
}

bool simulate_folder_write_key(const struct simulate_folder *folder, const char *name,
                               EVP_PKEY *key)
{
    struct simulate_bytes pem = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    simulate_need(bio != NULL &&
                  PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    simulate_put(&pem, text, (size_t)len);
    BIO_free(bio);
    bool ok = simulate_folder_write(folder, name, &pem, true);
    OPENSSL_cleanse(pem.ptr, pem.len);
    simulate_bytes_fini(&pem);
    return ok;
}

bool simulate_folder_write_cert(const struct simulate_folder *folder, const char *name, X509 *cert)
{
    struct simulate_bytes pem = {0};
    simulate_put_pem(&pem, cert);
    bool ok = simulate_folder_write(folder, name, &pem, false);
    simulate_bytes_fini(&pem);
    return ok;
}

bool simulate_folder_has(const struct simulate_folder *folder, const char *name)
{
    char path[PATH_MAX];
    return join(folder, name, path) && access(path, F_OK) == 0;
}

/* --- reading --- */

static BIO *open_part(const struct simulate_folder *folder, const char *name)
{
    char path[PATH_MAX];
    if (!join(folder, name, path))
        return NULL;
    BIO *bio = BIO_new_file(path, "r");
    if (bio == NULL)
        simulate_complain("%s: %s; it belongs to the vendor of %s, restore it or remove DIR and "
                          "start anew",
                          path, strerror(errno), ROOT_CERT);
    ERR_clear_error();
    return bio;
}

static bool load_key(const struct simulate_folder *folder, const char *name, EVP_PKEY **key)
{
    static char no_password[] = "";
    BIO *bio = open_part(folder, name);
    if (bio == NULL)
        return false;
    *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password);
    BIO_free(bio);
    ERR_clear_error();
    return *key != NULL ||
           simulate_complain("%s/%s: found no private key in PEM; restore it or remove DIR and "
                             "start anew",
                             folder->path, name);
}

static bool load_cert(const struct simulate_folder *folder, const char *name, X509 **cert)
{
    BIO *bio = open_part(folder, name);
    if (bio == NULL)
        return false;
    *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return *cert != NULL ||
           simulate_complain("%s/%s: found no certificate in PEM; restore it or remove DIR and "
                             "start anew",
                             folder->path, name);
}

struct identity_files {
    size_t offset; /* of the identity in struct simulate_vendor */
    const char *key, *cert;
};

/* The root's certificate is last: it stands for "this vendor is whole". */
static const struct identity_files identity_files[] = {
    {offsetof(struct simulate_vendor, ca), "pki/platform-ca.key.pem", "pki/platform-ca.crt.pem"},
    {offsetof(struct simulate_vendor, signer), "pki/tcb-signing.key.pem",
     "pki/tcb-signing.crt.pem"},
    {offsetof(struct simulate_vendor, root), "pki/root.key.pem", ROOT_CERT},
};
enum { IDENTITIES = sizeof identity_files / sizeof identity_files[0] };

static struct simulate_identity *identity_at(struct simulate_folder *folder, size_t i)
{
    return (struct simulate_identity *)((char *)&folder->vendor + identity_files[i].offset);
}

static bool is_pair(const struct simulate_folder *folder, const char *key, const char *cert,
                    const struct simulate_identity *identity)
{
    bool ok = X509_check_private_key(identity->cert, identity->key) == 1;
    ERR_clear_error();
    return ok || simulate_complain("%s/%s is not the key of %s; restore them or remove DIR and "
                                   "start anew",
                                   folder->path, key, cert);
}

bool simulate_folder_load(const struct simulate_folder *folder, const char *key, const char *cert,
                          struct simulate_identity *identity)
{
    *identity = (struct simulate_identity){0};
    if (load_key(folder, key, &identity->key) && load_cert(folder, cert, &identity->cert) &&
        is_pair(folder, key, cert, identity))
        return true;
    simulate_identity_fini(identity);
    return false;
}

static bool load_vendor(struct simulate_folder *folder)
{
    for (size_t i = 0; i < IDENTITIES; ++i) {
        struct simulate_identity *identity = identity_at(folder, i);
        if (!simulate_folder_load(folder, identity_files[i].key, identity_files[i].cert, identity))
            return false;
    }
    return true;
}

static bool make_vendor(struct simulate_folder *folder, int64_t now)
{
    simulate_vendor_init(&folder->vendor, &(struct simulate_vendor_options){.now = now});
    for (size_t i = 0; i < IDENTITIES; ++i) {
        struct simulate_identity *identity = identity_at(folder, i);
        if (!simulate_folder_write_key(folder, identity_files[i].key, identity->key) ||
            !simulate_folder_write_cert(folder, identity_files[i].cert, identity->cert))
            return false;
    }
    return true;
}

/* A vendor made for another time would only give verdicts nobody expects. */
static bool is_in_force(const struct simulate_folder *folder, int64_t now)
{
    const X509 *root = folder->vendor.root.cert;
    time_t at = (time_t)now;
    if (X509_cmp_time(X509_get0_notBefore(root), &at) < 0 &&
        X509_cmp_time(X509_get0_notAfter(root), &at) > 0)
        return true;
    return simulate_complain("%s/" ROOT_CERT " is not valid at %lld (unix seconds); give a --time "
                             "within its life, or another DIR",
                             folder->path, (long long)now);
}

/* --- what was revoked: one serial in hex per line --- */

static bool load_revoked(struct simulate_folder *folder)
{
    char path[PATH_MAX], line[80];
    if (!join(folder, REVOKED, path))
        return false;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT || simulate_complain("cannot read %s: %s", path, strerror(errno));
    bool ok = true;
    while (ok && fgets(line, sizeof line, file) != NULL) {
        BIGNUM *number = NULL;
        line[strcspn(line, "\n")] = '\0';
        size_t len = strlen(line);
        ok = len > 0 && len <= 40 && strspn(line, "0123456789ABCDEFabcdef") == len &&
             sk_ASN1_INTEGER_num(folder->revoked) < SIMULATE_REVOKED_MAX;
        if (ok)
            simulate_need(BN_hex2bn(&number, line) > 0 &&
                          sk_ASN1_INTEGER_push(folder->revoked, BN_to_ASN1_INTEGER(number, NULL)) >
                              0);
        else
            simulate_complain("%s: \"%s\": at most %d lines of at most 40 hex digits are allowed; "
                              "mend the file or remove DIR",
                              path, line, SIMULATE_REVOKED_MAX);
        BN_free(number);
    }
    fclose(file);
    return ok;
}

bool simulate_folder_revoke(struct simulate_folder *folder, const X509 *pck)
{
    if (sk_ASN1_INTEGER_num(folder->revoked) >= SIMULATE_REVOKED_MAX)
        return simulate_complain("%s/" REVOKED " is full (%d); use another DIR", folder->path,
                                 SIMULATE_REVOKED_MAX);
    ASN1_INTEGER *serial = ASN1_INTEGER_dup(X509_get0_serialNumber(pck));
    simulate_need(serial != NULL && sk_ASN1_INTEGER_push(folder->revoked, serial) > 0);
    struct simulate_bytes text = {0};
    for (int i = 0; i < sk_ASN1_INTEGER_num(folder->revoked); ++i) {
        const ASN1_INTEGER *each = sk_ASN1_INTEGER_value(folder->revoked, i);
        simulate_put_hex(&text, ASN1_STRING_get0_data(each), (size_t)ASN1_STRING_length(each));
        simulate_put_text(&text, "\n");
    }
    bool ok = simulate_folder_write(folder, REVOKED, &text, true);
    simulate_bytes_fini(&text);
    return ok;
}

/* --- opening --- */

static bool make_dir(const char *path, mode_t mode)
{
    struct stat found;
    if (mkdir(path, mode) == 0)
        return true;
    if (errno != EEXIST)
        return simulate_complain("cannot make the folder %s: %s", path, strerror(errno));
    if (stat(path, &found) != 0 || !S_ISDIR(found.st_mode))
        return simulate_complain("%s is there and is not a folder; name another DIR", path);
    return true;
}

bool simulate_folder_make_dir(const struct simulate_folder *folder, const char *name)
{
    char path[PATH_MAX];
    return join(folder, name, path) && make_dir(path, 0755);
}

static bool make_dirs(const struct simulate_folder *folder)
{
    static const struct {
        const char *name;
        mode_t mode;
    } parts[] = {{"pki", 0700}, {"roots", 0755}, {"collateral", 0755}};
    if (!make_dir(folder->path, 0755))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i) {
        char path[PATH_MAX];
        if (!join(folder, parts[i].name, path) || !make_dir(path, parts[i].mode))
            return false;
    }
    return true;
}

/* One run at a time: two first runs would make two vendors. */
static bool take_lock(struct simulate_folder *folder)
{
    char path[PATH_MAX];
    if (!join(folder, "pki/lock", path))
        return false;
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (folder->lock < 0)
        return simulate_complain("cannot open %s: %s", path, strerror(errno));
    for (int waited_ms = 0; flock(folder->lock, LOCK_EX | LOCK_NB) != 0;
         waited_ms += LOCK_STEP_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited_ms >= LOCK_WAIT_MS)
            return simulate_complain("%s: %s; another run works in this folder, wait for its end",
                                     path, strerror(errno));
        nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000L}, NULL);
    }
    return true;
}

bool simulate_folder_open(struct simulate_folder *folder, const char *path, int64_t now)
{
    *folder = (struct simulate_folder){.path = path, .lock = -1};
    folder->revoked = sk_ASN1_INTEGER_new_null();
    simulate_need(folder->revoked != NULL);
    if (!make_dirs(folder) || !take_lock(folder) || !load_revoked(folder))
        return false;
    if (!simulate_folder_has(folder, ROOT_CERT))
        return make_vendor(folder, now);
    return load_vendor(folder) && is_in_force(folder, now);
}

void simulate_folder_close(struct simulate_folder *folder)
{
    simulate_vendor_fini(&folder->vendor);
    sk_ASN1_INTEGER_pop_free(folder->revoked, ASN1_INTEGER_free);
    if (folder->lock >= 0)
        close(folder->lock);
}
