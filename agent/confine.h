/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Root with only what the agent needs: CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_SETUID, CAP_SETGID
 * and CAP_KILL; for project quotas CAP_SYS_ADMIN, too, which the kernel wants for setting them. The rest is dropped for good, from
 * the bounding set too, and no program that is run
 * from here gains anything.
 */
#pragma once

#include <stdbool.h>

/* Nothing for who is not root. A warning in the log when it is not possible. */
void confine(bool sets_quotas);
