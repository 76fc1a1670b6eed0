/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "agent/confine.h"

#include "common/log.h"
#include "common/macro.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const unsigned needed[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_SETUID, CAP_SETGID,
	                           CAP_KILL };

static bool
is_needed(unsigned capability, bool sets_quotas)
{
	for (size_t i = 0; i < array_size(needed); i++)
		if (needed[i] == capability)
			return true;
	return sets_quotas && capability == CAP_SYS_ADMIN;
}

void
confine(bool sets_quotas)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } }, now[2] = { { 0 } };

	umask(027);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warning("new privileges cannot be ruled out: %s", strerror(errno));
	if (geteuid() != 0)
		return;
	/* Up to the last one that the kernel has. */
	for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (!is_needed(i, sets_quotas) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (syscall(SYS_capget, &header, now) < 0) {
		log_warning("capabilities cannot be read: %s", strerror(errno));
		return;
	}
	for (unsigned i = 0; i < 64; i++) {
		unsigned word = i / 32, bit = 1u << i % 32;

		if (!is_needed(i, sets_quotas))
			continue;
		data[word].permitted |= now[word].permitted & bit;
		data[word].effective |= now[word].permitted & bit;
	}
	if (syscall(SYS_capset, &header, data) < 0)
		log_warning("capabilities cannot be dropped: %s", strerror(errno));
}
