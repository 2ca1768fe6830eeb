/* The steps in which every certificate of the simulated TEE is made.
 * It owns nothing.
 * It never decides what a certificate says: simulate_pki.c and simulate_certificate.c do. */
#ifndef SIMULATE_PKI_H
#define SIMULATE_PKI_H

#include "simulate/simulate.h"

#define SIMULATE_ORGANISATION "Simulated TEE - not for production"

EVP_PKEY *simulate_key_new(void);
EVP_PKEY *simulate_rsa_key_new(void); /* 3072 bits */

/* A certificate for `key` named `cn` without extensions, not yet signed; a NULL issuer is itself.
 */
X509 *simulate_cert_begin(EVP_PKEY *key, const char *cn, const X509 *issuer, int64_t not_before,
                          int64_t not_after);
/* One extension by OpenSSL's own syntax (x509v3_config(5)). */
void simulate_cert_extend(X509 *cert, X509 *issuer, int nid, const char *value);
/* One extension by dotted OID whose extnValue holds exactly `value`; not critical. */
void simulate_cert_extend_raw(X509 *cert, const char *oid, const struct simulate_bytes *value);
/* The extensions of the certificate's convention. */
void simulate_add_evidence(X509 *cert, const struct simulate_certificate_options *options);
void simulate_cert_sign(X509 *cert, EVP_PKEY *key);

/* Appends the certificate as PEM. */
void simulate_put_pem(struct simulate_bytes *bytes, X509 *cert);
/* The SubjectPublicKeyInfo of `key`, DER. */
struct simulate_bytes simulate_spki(EVP_PKEY *key);
ASN1_TIME *simulate_time(int64_t unix_seconds);

/* The little SCALE and MessagePack of dstack's envelopes; texts of less than 32 bytes, bytes as an
 * array of numbers, and what V1 says of the stack: its report data, no events. */
void simulate_scale_bytes(struct simulate_bytes *out, const void *from, size_t len);
void simulate_pack_map(struct simulate_bytes *out, size_t pairs);
void simulate_pack_text(struct simulate_bytes *out, const char *text);
void simulate_pack_numbers(struct simulate_bytes *out, const uint8_t *from, size_t len);
void simulate_pack_stack(struct simulate_bytes *out, const uint8_t report_data[64]);

#endif
