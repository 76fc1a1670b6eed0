/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The parameters of a task in ISPMan's queue, "name=value&name=value", as ISPMan itself reads them. Nothing is escaped: a value is
 * cut at a second =, blanks around = are dropped, blanks elsewhere count, and of a name that comes twice the last one holds.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

enum { TASK_PARAMS_MAX = 32 };

struct task_params {
	size_t count;
	struct task_param {
		struct span name, value;
	} rows[TASK_PARAMS_MAX];
};

/* The spans lie in TEXT. Parts without a name are passed over. Returns 0, or -E2BIG when there are more than TASK_PARAMS_MAX. */
must_check int task_params_read(struct span text, struct task_params *out);

/* 1 and the value of NAME, which may be empty; 0 when it is not there. Case counts. */
must_check int task_params_find(const struct task_params *params, struct span name, struct span *out_value);
