/* The table of commands: names, operands, options and words, once. */
#include "ctl/commands.h"
#include "ctl/ctl.h"

#define NO_OPTION                              \
    {                                          \
        NULL, OPTION_TEXT, NULL, NULL, NULL, 0 \
    }

static const struct ctl_option none[] = {NO_OPTION};

static const struct ctl_option limits[] = {
    {"--credit-line", OPTION_AMOUNT, "AMOUNT", "credit_line_ucr",
     "how far the balance may go below zero; 0: prepaid", false},
    {"--concurrency", OPTION_COUNT, "N", "concurrency", "calls at once; 0: no limit", false},
    {"--rate", OPTION_RATE, "N/min", "rate_per_minute", "calls a minute; 0: no limit", false},
    {"--burst", OPTION_COUNT, "N", "rate_burst", "calls at once within the rate", false},
    {"--day", OPTION_AMOUNT, "AMOUNT", "day_ucr", "spending a day (UTC); 0: no limit", false},
    {"--month", OPTION_AMOUNT, "AMOUNT", "month_ucr", "spending a month (UTC); 0: no limit", false},
    {"--max-call", OPTION_AMOUNT, "AMOUNT", "call_ucr", "ceiling of one call; 0: no limit", false},
    {"--sub-budget", OPTION_AMOUNT, "AMOUNT", "sub_budget_ucr",
     "for the calls below one that names no sub-budget; 0: none", false},
    NO_OPTION,
};

static const struct ctl_option credit_add[] = {
    {"--ref", OPTION_TEXT, "REF", "reference", "what it is for; the same REF counts once", true},
    {"--note", OPTION_TEXT, "TEXT", "note", "a word for the ledger", false},
    NO_OPTION,
};

static const struct ctl_option store_accept[] = {
    {"--i-know", OPTION_WORD, "yes", NULL, "that money the store forgot is given away", true},
    NO_OPTION,
};

static const struct ctl_option credit_adjust[] = {
    {"--ref", OPTION_TEXT, "REF", "reference", "what it is for; the same REF counts once", true},
    {"--note", OPTION_TEXT, "TEXT", "note", "why: it stays in the ledger", true},
    NO_OPTION,
};

static const struct ctl_option key_mint[] = {
    {"--scopes", OPTION_TEXT, "S,S", NULL, "invoke, read or both (the default)", false},
    {"--cids", OPTION_TEXT, "CID,CID", NULL, "the agents it may invoke; default: any", false},
    {"--expires", OPTION_DAYS, "DAYS", NULL, "its life from now; default: no end", false},
    NO_OPTION,
};

static const struct ctl_option spend[] = {
    {"--from", OPTION_DATE, "DATE", NULL, "the first day or second (UTC)", false},
    {"--to", OPTION_DATE, "DATE", NULL, "the last day or second, included", false},
    {"--count", OPTION_COUNT, "N", NULL, "entries at most, newest first (1 to 1000; default 100)",
     false},
    {"--by", OPTION_WORD, "cid|day|worker", NULL, "sums of the entries by agent, day or worker",
     false},
    NO_OPTION,
};

const struct ctl_command ctl_commands[] = {
    {"account create", "NAME", 1, limits, "Make an account",
     "A new account has no money and may call nothing until it is credited.\n"
     "Limits that are not given are none.\n",
     "  teegatectl account create alice --concurrency 10 --rate 600/min --day 50\n",
     ctl_account_create},
    {"account show", "NAME", 1, none, "Show balance, limits and state of an account",
     "balance is free to spend; held is set aside for calls under way; spent was charged.\n",
     "  teegatectl account show alice\n", ctl_account_show},
    {"account list", "", 0, none, "List all accounts", "", "  teegatectl account list\n",
     ctl_account_list},
    {"account limit", "NAME", 1, limits, "Change limits of an account",
     "Limits that are not given stay as they are. Calls under way are not touched.\n",
     "  teegatectl account limit alice --day 100 --max-call 0.5\n", ctl_account_limit},
    {"account suspend", "NAME", 1, none, "Refuse new calls of an account",
     "Calls under way finish and are charged. Keys and money stay.\n",
     "  teegatectl account suspend alice\n", ctl_account_suspend},
    {"account resume", "NAME", 1, none, "Allow calls of an account again", "",
     "  teegatectl account resume alice\n", ctl_account_resume},
    {"credit add", "NAME AMOUNT", 2, credit_add, "Give money to an account",
     "Safe to repeat: the same REF with the same amount is counted once.\n",
     "  teegatectl credit add alice 10 --ref invoice-2041\n", ctl_credit_add},
    {"credit adjust", "NAME AMOUNT", 2, credit_adjust, "Correct the balance, up or down",
     "AMOUNT may be negative. More than the account has (and its credit line) is refused.\n",
     "  teegatectl credit adjust alice -2.5 --ref refund-17 --note 'paid twice'\n",
     ctl_credit_adjust},
    {"key mint", "NAME", 1, key_mint, "Make an API key for an account",
     "The key is shown this once and cannot be shown again: only its hash is kept.\n"
     "It goes to standard output; callers send it as 'Authorization: Bearer <key>'.\n",
     "  teegatectl key mint alice --scopes invoke --expires 90\n", ctl_key_mint},
    {"key list", "NAME", 1, none, "List the keys of an account, without their secrets", "",
     "  teegatectl key list alice\n", ctl_key_list},
    {"key revoke", "NAME ID", 2, none, "End a key",
     "ID is from 'teegatectl key list'. Gateways refuse the key within five seconds.\n",
     "  teegatectl key revoke alice 5f3a9c\n", ctl_key_revoke},
    {"spend", "NAME", 1, spend, "Show what an account was charged and credited",
     "Entries of the ledger, newest first: KIND is chg (a call), top (credit added) or adj (credit\n"
     "adjusted); VALUE is what it did to the account. With --by, sums of the charges, over as many\n"
     "entries as --count says (then 1000, unless given).\n",
     "  teegatectl spend alice --from 2026-11-01 --to 2026-11-30 --by cid\n", ctl_spend},
    {"holds", "NAME", 1, none, "Show the money set aside for calls under way", "",
     "  teegatectl holds alice\n", ctl_holds},
    {"workers", "", 0, none, "Show the workers, their state and their attestation",
     "STATE is ready, connecting, attesting, challenging, refused, resting or idle. REASON is the\n"
     "word of the last verdict; a refused worker gets no request, and -o json has the verdict's detail.\n"
     "This is the view of the gateway's first lane.\n",
     "  teegatectl workers\n", ctl_workers},
    {"receipts keys", "", 0, none,
     "Show the keys of this gateway's receipts, by their public halves",
     "The first one signs; those after it signed before and are still shown to callers.\n",
     "  teegatectl receipts keys\n", ctl_receipts_keys},
    {"receipts rotate", "", 0, none, "Sign receipts with a new key from now on",
     "The private half of the key before is destroyed; receipts it signed still verify. The last\n"
     "15 keys are shown at /.well-known/teegate.\n",
     "  teegatectl receipts rotate\n", ctl_receipts_rotate},
    {"workers evidence", "ID", 1, none, "Show a worker's last certificate, quote and verdict",
     "What the gateway judged last, for audit: -o json has the quotes in base64, and 'attest-verify\n"
     "cert' judges the certificate again. ID is from 'teegatectl workers'.\n",
     "  teegatectl workers evidence 10.0.0.7:8443\n", ctl_workers_evidence},
    {"store accept", "", 0, store_accept,
     "Go on with a metering store that lost what it acknowledged",
     "After an old backup of Redis was restored the gateway takes no calls: balances in it may be\n"
     "too high. Correct them first ('credit adjust'), or know that they are right.\n",
     "  teegatectl store accept --i-know yes\n", ctl_store_accept},
    {"live", "", 0, none, "Show the calls under way",
     "This is the view of the gateway's first lane, at most 1000 calls.\n", "  teegatectl live\n",
     ctl_live},
    {"metrics", "", 0, none, "Print all counters (Prometheus text)", "",
     "  teegatectl metrics | grep faults\n", ctl_metrics},
    {"health", "", 0, none, "Say whether the gateway runs and takes calls",
     "Exit status 0 when it is ready, 1 when it runs but takes no calls, 3 when it is away.\n",
     "  teegatectl health\n", ctl_health},
    {NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL},
};
