#include <stdio.h>

#include "rules/cid.h"
#include "unit/checks.h"

static const char RAW[] = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie";

static bool parses(const char *text)
{
    struct cid cid;
    return cid_parse(span_text(text), &cid);
}

START_TEST(every_spelling_of_one_cid_meets_in_its_canonical_text)
{
    static const char *const spellings[][2] = {
        {"QmPVsjUFsKCo9oJVk9LgdAkJrCzmTmr9QHaVfDge4rVqPE",
         "bafybeiarhcr5hi6yh7stnxwa5bcqlptzwnxeerfk45jkkqjrsfeiucfz3e"},
        {"BAFKREIFQ7PVYDK3HWB6P5STSGLQTBBNWHVYXWTLRGPRGFOR24465IM5ZAM",
         "bafkreifq7pvydk3hwb6p5stsglqtbbnwhvyxwtlrgprgfor24465im5zam"},
        {"bafkreic54YTCXLWWGFOruven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie",
         "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"},
        {"K2CWUEEMCT5TLAN4OGLKGW5A9F0E1HXLDH135X8T88NMKZ10IHJTOVQ9",
         "bafkreihpsbu7jynq2xesq7npyxzs5ph4ymeofzx5kybfowrukb3pef5pue"},
        {"uAVUSIEkRJ3u0eGPCoO_W-HgHkjFiruq39tiVXEfasr3rdkvD",
         "bafkreicjcetxxndympbkb36w7b4aperrmkxovn7w3ckvyr62wk66w5slym"},
    };
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); ++i) {
        struct cid cid;
        char text[CID_TEXT_MAX];
        ck_assert_msg(cid_parse(span_text(spellings[i][0]), &cid), "%s", spellings[i][0]);
        ck_assert_uint_eq(cid_text(&cid, text), strlen(spellings[i][1]));
        ck_assert_str_eq(text, spellings[i][1]);
        struct cid again;
        ck_assert(cid_parse(span_text(text), &again));
        ck_assert(span_is(cid_span(&cid), cid_span(&again)));
    }
}
END_TEST

START_TEST(a_text_one_character_off_in_length_is_refused)
{
    char longer[sizeof(RAW) + 1];
    ck_assert(parses(RAW));
    for (size_t len = 0; len < sizeof(RAW) - 1; ++len) {
        struct cid cid;
        ck_assert_msg(!cid_parse(span_of(RAW, len), &cid), "%zu characters", len);
    }
    for (int c = 1; c < 256; ++c) {
        snprintf(longer, sizeof(longer), "%s%c", RAW, c);
        ck_assert_msg(!parses(longer), "followed by byte %d", c);
    }
}
END_TEST

START_TEST(what_two_decoders_could_read_differently_is_refused)
{
    static const char *const texts[] = {
        "zQmRQ355oFNqt8zfZ9X1HgRUszwv9RkEEwmMZZkbkYEsybn",               /* CIDv0 in a multibase */
        "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlif",   /* trailing bits */
        "bafkreifb7tsdmocu76eiz72lrz4hlvqayjuchecbfkgppgzx2cyrcsfq",     /* digest short by one */
        "bahkqaerauh6oinrykt7yrdh7johhq5owadbgqi4qieviz543g7ilcekiwd5a", /* varint not minimal */
        "F01721220F362EBC145D2B36B41A33975132CDF6C0571528B711D19E465823C3F605F8BB8", /* a key */
        "f01550000",                                                                 /* identity */
        "Qm",
        "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie=",
        "f0155122g",
        "f0",
        "f",
        "",
        "b",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        ck_assert_msg(!parses(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(only_160_characters_are_ever_decoded)
{
    char text[CID_INPUT_MAX + 2];
    memset(text, '1', sizeof(text));
    text[0] = 'z';
    struct cid cid;
    ck_assert(!cid_parse(span_of(text, CID_INPUT_MAX), &cid));
    ck_assert(!cid_parse(span_of(text, CID_INPUT_MAX + 1), &cid));
}
END_TEST

START_TEST(the_longest_hash_fits_and_one_byte_more_does_not)
{
    char text[2 + 8 + 130] = "f01551340";
    size_t at = strlen(text);
    memset(text + at, 'a', 128);
    text[at + 128] = '\0';
    ck_assert(parses(text));
    struct cid cid;
    char canonical[CID_TEXT_MAX];
    ck_assert(cid_parse(span_text(text), &cid));
    ck_assert_uint_lt(cid_text(&cid, canonical), CID_TEXT_MAX);
    memset(text + at, 'a', 130);
    text[at + 130] = '\0';
    ck_assert(!parses(text));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_spelling_of_one_cid_meets_in_its_canonical_text,
        a_text_one_character_off_in_length_is_refused,
        what_two_decoders_could_read_differently_is_refused,
        only_160_characters_are_ever_decoded,
        the_longest_hash_fits_and_one_byte_more_does_not,
        NULL,
    };
    return checks_run("cid", tests);
}
