/* Requests and policies in words, on standard error: what a person reads before he approves, grants
 * or signs. Threads: the main thread only. */
#pragma once

#include "vault/act/approval_tally.h"
#include "vault/act/request_file.h"

void restore_show_request(const VaultRequestFile *request);
/* Approvers, how many are needed, whose approvals count and which do not. */
void restore_show_approvals(const VaultPolicy *policy, const VaultApprovalTally *tally);
void restore_show_policy(const VaultPolicy *policy);
