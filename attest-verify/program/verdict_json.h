/* Verdicts and drafts of policies as JSON, for the program.
 * Owns nothing: the trees it makes are the caller's, to be freed with cJSON_Delete.
 * Never decides anything. */
#ifndef AV_VERDICT_JSON_H
#define AV_VERDICT_JSON_H

#include "attest_verify.h"

#include <cjson/cJSON.h>

/* The object of DESIGN 3; NULL when memory is out. */
cJSON *av_verdict_to_json(const struct attest_verdict *verdict);

/* Array of {check, result, detail}, in the order of the checks; NULL when memory is out. */
cJSON *av_explanation_to_json(const struct attest_explanation *explanation);

/* A policy that accepts exactly what the verdict found running, on any platform, with the TCB
 * status it has. */
cJSON *av_verdict_draft_policy(const struct attest_verdict *verdict);

#endif
