/* The functions behind the table of commands. They own nothing beyond a call, answer an exit
 * status, and never touch the gateway but through ctl/ask. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/args.h"

int ctl_account_create(struct ctl_call *call);
int ctl_account_show(struct ctl_call *call);
int ctl_account_list(struct ctl_call *call);
int ctl_account_limit(struct ctl_call *call);
int ctl_account_suspend(struct ctl_call *call);
int ctl_account_resume(struct ctl_call *call);
int ctl_credit_add(struct ctl_call *call);
int ctl_credit_adjust(struct ctl_call *call);
int ctl_key_mint(struct ctl_call *call);
int ctl_key_list(struct ctl_call *call);
int ctl_key_revoke(struct ctl_call *call);
int ctl_spend(struct ctl_call *call);
int ctl_holds(struct ctl_call *call);
int ctl_workers(struct ctl_call *call);
int ctl_receipts_keys(struct ctl_call *call);
int ctl_receipts_rotate(struct ctl_call *call);
int ctl_workers_evidence(struct ctl_call *call);
int ctl_store_accept(struct ctl_call *call);
int ctl_live(struct ctl_call *call);
int ctl_metrics(struct ctl_call *call);
int ctl_health(struct ctl_call *call);

#endif
