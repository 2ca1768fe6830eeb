#include "program/usage.h"

#include <stdio.h>
#include <string.h>

static const char summary[] =
    "Usage: attest-verify COMMAND [options] FILE\n"
    "\n"
    "Decides whether attestation evidence of a TEE is to be trusted, and says why.\n"
    "\n"
    "Commands\n"
    "  cert FILE       verify the evidence in an RA-TLS certificate, and that it binds its key\n"
    "  quote FILE      verify a bare quote of Intel SGX or TDX\n"
    "  snp FILE        verify a bare report of AMD SEV-SNP\n"
    "  explain FILE    verify any of these and print each check, one a line, for people\n"
    "  policy FILE     check a policy, or draft one from the evidence of a known good worker\n"
    "  receipt FILE    verify a gateway's receipt of a call, offline\n"
    "  simulate DIR    make a simulated TEE vendor, collateral and workers' certificates, for tests\n"
    "  simulate quote  make one more quote of a simulated worker, over report data given\n"
    "  help COMMAND    the same as COMMAND --help: everything about one command\n"
    "\n"
    "Options of cert, quote, snp, explain and policy\n"
    "  --policy FILE, --collateral FILE|DIR, --fetch, --fetch-from URL, --fetch-ca FILE,\n"
    "  --store DIR, --time UNIX, --roots DIR, --padded, --explain, --help; --version\n"
    "\n"
    "Exit status: 0 trusted, 1 refused, 2 the call itself was wrong.\n"
    "\n"
    "Example: attest-verify cert worker.pem --collateral collateral/ --policy policy.json\n";

static const char cert[] =
    "Usage: attest-verify cert [options] FILE\n"
    "\n"
    "Verifies the evidence in an RA-TLS certificate (PEM or DER), and that it binds the\n"
    "certificate's key. Conventions: interoperable RA-TLS (TCG DICE), Gramine, Intel SGX SDK,\n"
    "rats-tls, Open Enclave, dstack with its event log, attested-tls. That the other side has\n"
    "the key is proved by the TLS handshake, not here.\n";

static const char quote[] =
    "Usage: attest-verify quote [options] FILE\n"
    "\n"
    "Verifies a bare quote: SGX version 3, TDX version 4, both version 5 (TD report 1.0 and\n"
    "1.5). No key is bound by it: what its report data should be is yours to judge.\n";

static const char snp[] =
    "Usage: attest-verify snp [options] FILE\n"
    "\n"
    "Verifies a bare SEV-SNP report: version 2 to 5, of Milan, Genoa or Turin, signed by VCEK or\n"
    "VLEK. No key is bound by it: what its report data should be is yours to judge.\n";

static const char explain[] =
    "Usage: attest-verify explain [cert|quote|snp] [options] FILE\n"
    "\n"
    "Verifies evidence like the command named, or the one that fits the file, and prints each\n"
    "check in the order it is made: passed, FAILED or not reached (-), and what was compared.\n"
    "The last line is the verdict. For people; programs take --explain of the other commands.\n";

static const char policy[] =
    "Usage: attest-verify policy [options] FILE\n"
    "\n"
    "FILE is a policy: says whether it is one, and what in it is easily overlooked.\n"
    "FILE is evidence (certificate, quote or report) of a known good worker: verifies it and\n"
    "prints a policy that trusts this code, on any machine. Read it before you use it; without\n"
    "collateral it is printed too, but nothing vouches for the evidence.\n"
    "\n"
    "A policy accepts what it lists, as hex in the order of the report's bytes:\n"
    "  {\"accept\": [{\"tee\": \"tdx\", \"mrtd\": [\"aa08..\"], \"rtmr1\": [\"5e1b..\"]},\n"
    "              {\"tee\": \"tdx\", \"mrtd\": [\"aa08..\"], \"compose_hash\": [\"c2c2..\"]},\n"
    "              {\"tee\": \"sgx\", \"mrenclave\": [\"91dd..\"], \"isvsvn_min\": 2},\n"
    "              {\"tee\": \"snp\", \"measurement\": [\"5fee..\"], \"guest_svn_min\": 2}],\n"
    "   \"tcb\": {\"accepted_status\": [\"UpToDate\"], \"advisories_denied\": [],\n"
    "           \"min_tcb_date\": \"2025-05-14\", \"min_evaluation_number\": 19,\n"
    "           \"max_collateral_age_s\": 2592000},\n"
    "   \"platform\": {\"fmspc\": [], \"ppid_sha256\": [], \"piid\": [], \"chip_id\": []},\n"
    "   \"snp\": {\"crl\": \"required\", \"min_tcb\": {\"milan\": {\"snp\": 24}}, \"min_version\": 3}}\n"
    "Every member, with its words, is in policy.schema.json; an unknown one is an error.\n"
    "\n"
    "Exit status: 0 a policy, or a draft that trusts its evidence; 1 no policy, evidence that is\n"
    "not genuine, or a draft that refuses it until it is relaxed by hand; 2 the call was wrong.\n";

static const char receipt[] =
    "Usage: attest-verify receipt FILE --keys FILE [options]\n"
    "\n"
    "Verifies a gateway's receipt of one call, offline. FILE is the value of an answer's\n"
    "Agent-Receipt, or \"receipt\" of GET /v1/invocations/<id>.\n"
    "\n"
    "Options\n"
    "  --keys FILE           the gateways' public keys: a JWK set, or the answer of\n"
    "                        GET /.well-known/teegate, which holds one\n"
    "  --evidence FILE       the worker's certificate (PEM or DER), quote or report: it must be\n"
    "                        the one that the receipt names\n"
    "  --request-body FILE   what was sent: its digest must be the receipt's\n"
    "  --response-body FILE  what was answered, likewise\n"
    "\n"
    "Prints one JSON object: verdict (trusted or refused), reason, detail; of what is signed also\n"
    "record, what the receipt says, and kid, signed_at (unix ms), size and index, who signed when\n"
    "for how many; checked, what was compared. A receipt says what its gateway signed for: whether\n"
    "the worker's evidence is to be trusted, 'attest-verify cert' says.\n"
    "\n"
    "Exit status: 0 genuine, 1 refused, 2 the call itself was wrong.\n"
    "\n"
    "Example: attest-verify receipt receipt.txt --keys keys.json --response-body answer.bin\n";

static const char options[] =
    "\n"
    "Options\n"
    "  --collateral FILE|DIR  the vendor's signed documents and revocation lists; of a directory\n"
    "                         every *.json, and for a bare SEV-SNP report leaf.der, ica.der,\n"
    "                         ark.der and crl.der too. Repeatable\n"
    "  --policy FILE          what you trust. Without one nobody is trusted, but all is checked\n"
    "  --time UNIX            verify as of this time instead of now\n"
    "  --roots DIR            trust the certificates of DIR (*.pem, *.crt) instead of the vendors'\n"
    "                         own keys. For testing only\n"
    "  --fetch                get collateral from the vendor's service (Intel's PCS, AMD's KDS); of\n"
    "                         a quote once the certificate chain in it has been verified\n"
    "  --fetch-from URL       get it from this service instead; repeatable, asked in order\n"
    "  --fetch-ca FILE        PEM: who may have signed the TLS certificates of those services\n"
    "  --store DIR            remember the highest evaluation numbers seen and refuse collateral\n"
    "                         below them; with --fetch keep what was fetched until its end\n"
    "  --padded               zero bytes may follow a quote or report, as some kernels hand it out\n"
    "  --explain              add \"checks\": each check in order, with what was compared\n"
    "  --help\n";

static const char output[] =
    "\n"
    "Prints one JSON object: verdict (trusted or refused), reason, detail, tee, tcb_status,\n"
    "advisories, tcb_date, fmspc, measurements, report_data, expires. Times are unix seconds.\n"
    "\n"
    "Exit status: 0 trusted, 1 refused, 2 the call itself was wrong.\n";

static const char status[] = "\n"
                             "Exit status: 0 trusted, 1 refused, 2 the call itself was wrong.\n";

static const struct {
    const char *command, *texts[3];
} pages[] = {
    {"cert", {cert, options, output}}, {"quote", {quote, options, output}},
    {"snp", {snp, options, output}},   {"explain", {explain, options, status}},
    {"policy", {policy, options, ""}}, {"receipt", {receipt, "", ""}},
};

bool av_usage_print(const char *command)
{
    if (command == NULL)
        return fputs(summary, stdout) >= 0;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; ++i) {
        if (strcmp(pages[i].command, command) != 0)
            continue;
        bool ok = true;
        for (size_t t = 0; t < 3; ++t)
            ok = fputs(pages[i].texts[t], stdout) >= 0 && ok;
        return ok;
    }
    return false;
}
