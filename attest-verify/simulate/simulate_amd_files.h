/* AMD's side of the simulated vendor's folder: keys of products, chips of workers, lists,
 * documents. It owns nothing: folder and order are the caller's. It never makes a product's keys
 * twice: what is in the folder is loaded. */
#ifndef SIMULATE_AMD_FILES_H
#define SIMULATE_AMD_FILES_H

#include "simulate/simulate_order.h"

/* Says on stderr what is wrong with the word, and is false then. */
bool simulate_set_product(struct order *order, const char *word);
const char *simulate_product_word(enum simulate_product product); /* "milan" .. */

/* The worker's chip, report, document and DIR/snp/NAME, on disk; and its certificate for `key`. */
bool simulate_amd_worker(const struct order *order, struct simulate_folder *folder,
                         const char *name, EVP_PKEY *key, X509 **cert);

/* What issues VCEKs and VLEKs with a fresh list, of every product that the folder has. */
bool simulate_amd_collateral(const struct order *order, struct simulate_folder *folder);

/* One more report of the ordered worker's chip. */
bool simulate_amd_on_demand(const struct order *order, struct simulate_folder *folder,
                            const uint8_t report_data[64], struct simulate_bytes *report);

#endif
