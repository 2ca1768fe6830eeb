/* The command `attest-verify receipt`.
 * Owns nothing beyond the call. Never asks the network: the keys come from a file. */
#ifndef AV_PROGRAM_RECEIPT_H
#define AV_PROGRAM_RECEIPT_H

int av_receipt_main(int argc, char **argv);

#endif
