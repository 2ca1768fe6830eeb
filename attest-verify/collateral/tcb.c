#include "collateral/tcb.h"

#include "bytes/cursor.h"

#include <string.h>

/* A status is a set of flags, so convergence is a union; what Intel's table drops is dropped here:
 * revoked wins over all, out of date over the need of hardening (ra-tls b.7, 25). */
static unsigned settle_flags(unsigned flags)
{
    if (flags & TCB_REVOKED)
        return TCB_REVOKED;
    if (flags & TCB_OUT_OF_DATE)
        return flags & ~(unsigned)TCB_SW_HARDENING;
    return flags;
}

static bool add_advisory(struct tcb_standing *standing, const char *id)
{
    for (size_t i = 0; i < standing->advisory_count; ++i)
        if (strcmp(standing->advisories[i], id) == 0)
            return true;
    if (standing->advisory_count == TCB_ADVISORIES_MAX)
        return false;
    standing->advisories[standing->advisory_count++] = id;
    return true;
}

bool av_tcb_converge(struct tcb_standing *into, const struct tcb_standing *component)
{
    into->flags = settle_flags(into->flags | component->flags);
    if (component->date < into->date)
        into->date = component->date;
    for (size_t i = 0; i < component->advisory_count; ++i)
        if (!add_advisory(into, component->advisories[i]))
            return false;
    return true;
}

static bool reaches(const uint8_t *have, const uint8_t *need, size_t from)
{
    for (size_t i = from; i < TCB_COMPONENTS; ++i)
        if (have[i] < need[i])
            return false;
    return true;
}

/* b.6, 21. The first two TDX components are the module's own when it has an identity. */
static const struct tcb_standing *match_platform(const struct pck *pck, const uint8_t *tee_tcb_svn,
                                                 const struct tcb_document *tcb)
{
    for (size_t i = 0; i < tcb->level_count; ++i) {
        const struct tcb_level *level = &tcb->levels[i];
        if (reaches(pck->components, level->sgx, 0) && pck->pcesvn >= level->pcesvn &&
            (tee_tcb_svn == NULL || reaches(tee_tcb_svn, level->tdx, tee_tcb_svn[1] > 0 ? 2 : 0)))
            return &level->standing;
    }
    return NULL;
}

static const struct tcb_standing *match_svn(const struct svn_levels *levels, uint64_t isvsvn)
{
    for (size_t i = 0; i < levels->count; ++i)
        if (isvsvn >= levels->levels[i].isvsvn)
            return &levels->levels[i].standing;
    return NULL;
}

/* b.5, 18 and 19. */
static const struct tdx_module *find_module(const struct quote *quote, uint8_t version,
                                            const struct tcb_document *tcb)
{
    const struct tdx_module *module = version == 0 ? &tcb->module : NULL;
    for (size_t i = 0; version > 0 && i < tcb->module_count; ++i)
        if (tcb->modules[i].version == version)
            module = &tcb->modules[i];
    if (module == NULL)
        return NULL;
    struct attest_bytes signer = av_quote_part(quote, "mrsignerseam");
    struct attest_bytes attributes = av_quote_part(quote, "seamattributes");
    bool fits = signer.len == sizeof module->mrsigner &&
                memcmp(signer.ptr, module->mrsigner, signer.len) == 0 &&
                attributes.len == sizeof module->attributes &&
                memcmp(attributes.ptr, module->attributes, attributes.len) == 0 &&
                av_bytes_are_zero(attributes);
    return fits ? module : NULL;
}

static bool join_module(const struct quote *quote, const uint8_t *tee_tcb_svn,
                        const struct tcb_document *tcb, struct tcb_standing *standing,
                        struct attest_verdict *verdict)
{
    const struct tdx_module *module = find_module(quote, tee_tcb_svn[1], tcb);
    if (module == NULL)
        return av_refuse(verdict, ATTEST_TDX_MODULE,
                         "no identity fits module version %u, its signer and attributes",
                         tee_tcb_svn[1]);
    if (tee_tcb_svn[1] == 0)
        return true;
    const struct tcb_standing *found = match_svn(&module->levels, tee_tcb_svn[0]);
    if (found == NULL)
        return av_refuse(verdict, ATTEST_TCB_UNMATCHED,
                         "TDX module %02X with ISVSVN %u is below every level", tee_tcb_svn[1],
                         tee_tcb_svn[0]);
    return av_tcb_converge(standing, found) ||
           av_refuse(verdict, ATTEST_INTERNAL, "too many advisories");
}

/* One pass of b.5 to b.7 with the given TEE_TCB_SVN, NULL for SGX. */
static bool evaluate_once(const struct quote *quote, const struct pck *pck,
                          const uint8_t *tee_tcb_svn, const struct tcb_document *tcb,
                          const struct qe_document *qe, struct tcb_standing *standing,
                          struct attest_verdict *verdict)
{
    uint64_t qe_svn = av_number_le(av_report_part(quote->qe_report, "isvsvn"));
    const struct tcb_standing *platform = match_platform(pck, tee_tcb_svn, tcb);
    const struct tcb_standing *enclave = match_svn(&qe->levels, qe_svn);
    struct tcb_standing module = {.date = INT64_MAX};
    if (tee_tcb_svn != NULL && !join_module(quote, tee_tcb_svn, tcb, &module, verdict))
        return false;
    if (platform == NULL)
        return av_refuse(verdict, ATTEST_TCB_UNMATCHED, "the platform is below every TCB level");
    if (enclave == NULL)
        return av_refuse(verdict, ATTEST_TCB_UNMATCHED,
                         "the quoting enclave's ISVSVN %u is below every level", (unsigned)qe_svn);
    *standing = *platform;
    return (av_tcb_converge(standing, enclave) && av_tcb_converge(standing, &module)) ||
           av_refuse(verdict, ATTEST_INTERNAL, "too many advisories");
}

/* b.7, 26: the module was updated under a running TD, which only a relaunch would bring up to date.
 */
static unsigned flags_after_relaunch(unsigned launch, unsigned current)
{
    if (current & TCB_REVOKED)
        return TCB_REVOKED;
    if ((launch & TCB_OUT_OF_DATE) && !(current & TCB_OUT_OF_DATE))
        return TCB_RELAUNCH | ((launch | current) & TCB_CONFIGURATION);
    return launch;
}

bool av_tcb_evaluate(const struct quote *quote, const struct pck *pck,
                     const struct tcb_document *tcb, const struct qe_document *qe,
                     struct tcb_standing *standing, struct attest_verdict *verdict)
{
    const uint8_t *launch = av_quote_part(quote, "tee_tcb_svn").ptr;
    const uint8_t *current = av_quote_part(quote, "tee_tcb_svn_2").ptr;
    if (!evaluate_once(quote, pck, launch, tcb, qe, standing, verdict))
        return false;
    if (current == NULL)
        return true;
    struct tcb_standing now;
    if (!evaluate_once(quote, pck, current, tcb, qe, &now, verdict))
        return false;
    standing->flags = flags_after_relaunch(standing->flags, now.flags);
    return true;
}

static bool masked_equal(struct attest_bytes have, const uint8_t *mask, const uint8_t *want)
{
    for (size_t i = 0; i < have.len; ++i)
        if ((have.ptr[i] & mask[i]) != want[i])
            return false;
    return have.len > 0;
}

bool av_qe_check_identity(const struct quote *quote, const struct qe_document *qe,
                          struct attest_verdict *verdict)
{
    struct attest_bytes signer = av_report_part(quote->qe_report, "mrsigner");
    uint64_t isvprodid = av_number_le(av_report_part(quote->qe_report, "isvprodid"));
    if (!masked_equal(av_report_part(quote->qe_report, "miscselect"), qe->miscselect_mask,
                      qe->miscselect))
        return av_refuse(verdict, ATTEST_QE_IDENTITY, "its MISCSELECT differs");
    if (!masked_equal(av_report_part(quote->qe_report, "attributes"), qe->attributes_mask,
                      qe->attributes))
        return av_refuse(verdict, ATTEST_QE_IDENTITY, "its attributes differ");
    if (signer.len != sizeof qe->mrsigner || memcmp(signer.ptr, qe->mrsigner, signer.len) != 0)
        return av_refuse(verdict, ATTEST_QE_IDENTITY, "its MRSIGNER differs");
    if (isvprodid != qe->isvprodid)
        return av_refuse(verdict, ATTEST_QE_IDENTITY, "its ISVPRODID is %u, not %u",
                         (unsigned)isvprodid, qe->isvprodid);
    return true;
}
