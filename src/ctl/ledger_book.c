#include "ctl/ledger_book.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

struct entry {
    uint64_t key[2]; /* of SHA-256(account, kind, id) */
    uint64_t place_ms;
    uint64_t place_count;
    uint64_t sequence;
    int64_t value_ucr;
    int64_t total_ucr;
    uint32_t account;
    bool is_charge;
};

struct ledger_book {
    struct entry *entries;
    size_t count;
    size_t room;
    uint32_t *slots; /* index + 1 of an entry by its key; 0: empty; a power of two, half empty */
    size_t slot_count;
    struct ledger_account *accounts;
    size_t account_count;
    size_t account_room;
    uint32_t *names; /* the same by name */
    size_t name_slots;
};

struct ledger_book *ledger_book_new(void)
{
    struct ledger_book *book = alloc_zeroed(sizeof(*book));
    book->slot_count = 1024;
    book->slots = alloc_array(book->slot_count, sizeof(*book->slots));
    book->name_slots = 256;
    book->names = alloc_array(book->name_slots, sizeof(*book->names));
    return book;
}

void ledger_book_free(struct ledger_book *book)
{
    free(book->entries);
    free(book->slots);
    free(book->accounts);
    free(book->names);
    free(book);
}

/* ------------------------------------------------------------------ accounts */

static uint64_t hash_of(struct span name)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a; names are an operator's own */
    for (size_t i = 0; i < name.len; ++i)
        hash = (hash ^ (unsigned char)name.ptr[i]) * UINT64_C(1099511628211);
    return hash;
}

static size_t name_slot(const struct ledger_book *book, struct span name)
{
    size_t at = hash_of(name) & (book->name_slots - 1);
    while (book->names[at] != 0 &&
           !span_is(span_text(book->accounts[book->names[at] - 1].name), name))
        at = (at + 1) & (book->name_slots - 1);
    return at;
}

static void grow_names(struct ledger_book *book)
{
    free(book->names);
    book->name_slots *= 2;
    book->names = alloc_array(book->name_slots, sizeof(*book->names));
    for (size_t i = 0; i < book->account_count; ++i)
        book->names[name_slot(book, span_text(book->accounts[i].name))] = (uint32_t)i + 1;
}

static uint32_t account_of(struct ledger_book *book, struct span name)
{
    size_t at = name_slot(book, name);
    if (book->names[at] != 0)
        return book->names[at] - 1;
    if (book->account_count == book->account_room) {
        book->account_room = book->account_room == 0 ? 64 : book->account_room * 2;
        book->accounts = alloc_grow(book->accounts, book->account_room, sizeof(*book->accounts));
    }
    struct ledger_account *account = &book->accounts[book->account_count++];
    *account = (struct ledger_account){.first = 0};
    must(name.len <= LEDGER_NAME_MAX);
    memcpy(account->name, name.ptr, name.len);
    book->names[at] = (uint32_t)book->account_count;
    if (book->account_count * 2 > book->name_slots)
        grow_names(book);
    return (uint32_t)book->account_count - 1;
}

/* ------------------------------------------------------------------ entries */

static void key_of(struct span account, struct span kind, struct span id, uint64_t key[2])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[512];
    int len = snprintf(text, sizeof(text), "%.*s|%.*s|%.*s", (int)account.len, account.ptr,
                       (int)kind.len, kind.ptr, (int)id.len, id.ptr);
    must(len > 0 && len < (int)sizeof(text)); /* each is bounded where it is read */
    SHA256((const unsigned char *)text, (size_t)len, digest);
    memcpy(key, digest, 2 * sizeof(*key));
}

static size_t slot_of(const struct ledger_book *book, const uint64_t key[2])
{
    size_t at = key[0] & (book->slot_count - 1);
    while (book->slots[at] != 0) {
        const struct entry *entry = &book->entries[book->slots[at] - 1];
        if (entry->key[0] == key[0] && entry->key[1] == key[1])
            break;
        at = (at + 1) & (book->slot_count - 1);
    }
    return at;
}

static void fill_slots(struct ledger_book *book)
{
    memset(book->slots, 0, book->slot_count * sizeof(*book->slots));
    for (size_t i = 0; i < book->count; ++i)
        book->slots[slot_of(book, book->entries[i].key)] = (uint32_t)i + 1;
}

static void grow(struct ledger_book *book)
{
    if (book->count == book->room) {
        book->room = book->room == 0 ? 1024 : book->room * 2;
        book->entries = alloc_grow(book->entries, book->room, sizeof(*book->entries));
    }
    if ((book->count + 1) * 2 > book->slot_count) {
        free(book->slots);
        book->slot_count *= 2;
        book->slots = alloc_array(book->slot_count, sizeof(*book->slots));
        fill_slots(book);
    }
}

/* The later of two of one call stands: the earlier was lost with the server that had it. */
static enum ledger_added add_again(struct entry *entry, const struct ledger_fact *fact)
{
    bool later = fact->place_ms > entry->place_ms ||
                 (fact->place_ms == entry->place_ms && fact->place_count > entry->place_count);
    if (entry->value_ucr != fact->value_ucr)
        return LEDGER_OTHER;
    if (entry->sequence == fact->sequence && entry->total_ucr == fact->total_ucr)
        return LEDGER_REPEATED;
    if (later) {
        entry->place_ms = fact->place_ms;
        entry->place_count = fact->place_count;
        entry->sequence = fact->sequence;
        entry->total_ucr = fact->total_ucr;
    }
    return LEDGER_RENUMBERED;
}

enum ledger_added ledger_book_add(struct ledger_book *book, const struct ledger_fact *fact)
{
    struct entry entry = {.place_ms = fact->place_ms,
                          .place_count = fact->place_count,
                          .sequence = fact->sequence,
                          .value_ucr = fact->value_ucr,
                          .total_ucr = fact->total_ucr,
                          .is_charge = span_is(fact->kind, SPAN_OF("chg"))};
    key_of(fact->account, fact->kind, fact->id, entry.key);
    size_t at = slot_of(book, entry.key);
    if (book->slots[at] != 0)
        return add_again(&book->entries[book->slots[at] - 1], fact);
    if (book->count == LEDGER_ENTRIES_MAX)
        return LEDGER_FULL;
    grow(book);
    entry.account = account_of(book, fact->account);
    book->entries[book->count++] = entry;
    book->slots[slot_of(book, entry.key)] = (uint32_t)book->count;
    return LEDGER_NEW;
}

struct ledger_fact ledger_fact_of(const struct ledger_line *line)
{
    return (struct ledger_fact){.account = line->account,
                                .kind = line->kind,
                                .id = line->id,
                                .place_ms = line->place_ms,
                                .place_count = line->place_count,
                                .sequence = line->sequence,
                                .value_ucr = line->value_ucr,
                                .total_ucr = line->balance_ucr + (int64_t)line->held_ucr};
}

/* ------------------------------------------------------------------ whether it can be true */

static int by_account_and_sequence(const void *one, const void *other)
{
    const struct entry *a = one;
    const struct entry *b = other;
    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

struct check {
    struct ledger_book *book;
    void (*problem)(void *owner, const char *account, const char *sentence);
    void *owner;
    uint64_t count;
};

static void say(struct check *check, const struct ledger_account *account, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct check *check, const struct ledger_account *account, const char *format, ...)
{
    char sentence[LEDGER_PROBLEM_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    ++check->count;
    check->problem(check->owner, account->name, sentence);
}

/* Money is below 2^53 an entry, but files may say anything: sums wrap instead of being undefined.
 */
static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void check_entry(struct check *check, struct ledger_account *account,
                        const struct entry *entry)
{
    uint64_t due = account->last + 1;
    bool in_turn = entry->sequence == due;
    if (entry->sequence == account->last)
        say(check, account, "sequence %" PRIu64 " stands twice", entry->sequence);
    else if (entry->sequence == due + 1)
        say(check, account, "sequence %" PRIu64 " is missing", due);
    else if (!in_turn)
        say(check, account, "sequences %" PRIu64 " to %" PRIu64 " are missing", due,
            entry->sequence - 1);
    if (in_turn && entry->total_ucr != plus(account->total_ucr, entry->value_ucr))
        say(check, account,
            "behind sequence %" PRIu64 " balance and held are %" PRId64 " micro-credits, the "
            "entries up to it add up to %" PRId64,
            entry->sequence, entry->total_ucr, plus(account->total_ucr, entry->value_ucr));
    if ((entry->is_charge && entry->value_ucr > 0))
        say(check, account, "sequence %" PRIu64 " is a charge that gives money", entry->sequence);
    account->last = entry->sequence;
    account->total_ucr = entry->total_ucr;
}

uint64_t ledger_book_check(struct ledger_book *book,
                           void (*problem)(void *owner, const char *account, const char *sentence),
                           void *owner)
{
    struct check check = {book, problem, owner, 0};
    for (size_t i = 0; i < book->account_count; ++i) {
        struct ledger_account *account = &book->accounts[i];
        account->first = account->last = account->count = 0;
        account->total_ucr = account->charged_ucr = account->credited_ucr = 0;
    }
    if (book->count > 0)
        qsort(book->entries, book->count, sizeof(*book->entries), by_account_and_sequence);
    fill_slots(book);
    for (size_t i = 0; i < book->count; ++i) {
        const struct entry *entry = &book->entries[i];
        struct ledger_account *account = &book->accounts[entry->account];
        account->first = account->count == 0 ? entry->sequence : account->first;
        ++account->count;
        if (entry->is_charge)
            account->charged_ucr = plus(account->charged_ucr, -entry->value_ucr);
        else
            account->credited_ucr = plus(account->credited_ucr, entry->value_ucr);
        check_entry(&check, account, entry);
    }
    return check.count;
}

/* ------------------------------------------------------------------ what it holds */

size_t ledger_book_accounts(const struct ledger_book *book)
{
    return book->account_count;
}

const struct ledger_account *ledger_book_account(const struct ledger_book *book, size_t index)
{
    must(index < book->account_count);
    return &book->accounts[index];
}

const struct ledger_account *ledger_book_find(const struct ledger_book *book, struct span name)
{
    uint32_t index = book->names[name_slot(book, name)];
    return index == 0 ? NULL : &book->accounts[index - 1];
}

uint64_t ledger_book_entries(const struct ledger_book *book)
{
    return book->count;
}

bool ledger_book_charge(const struct ledger_book *book, struct span account, struct span invocation,
                        int64_t *charge_ucr, uint64_t *sequence)
{
    uint64_t key[2];
    key_of(account, SPAN_OF("chg"), invocation, key);
    uint32_t index = book->slots[slot_of(book, key)];
    if (index == 0)
        return false;
    *charge_ucr = -book->entries[index - 1].value_ucr;
    *sequence = book->entries[index - 1].sequence;
    return true;
}
