/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Makes of a log of storage operations (record_writes.c) what a disk may hold after the power failed, and looks whether
 * that is a committed state.
 *
 *	replay_writes check LOG FOLDER SEED VARIANTS    all points; FOLDER is scratch
 *	replay_writes distrust LOG FOLDER SEED VARIANTS the same with a disk that takes syncs for nothing: to show that a
 *	                                                missing sync is found
 *	replay_writes image LOG FOLDER SEED POINT       makes one image, for the real daemon
 *	replay_writes points LOG                        how many points there are
 *
 * A point is an operation in whose course the power fails. What was synced before is on the disk. Of what
 * was written since, each sector (512 octets; in some variants each page) holds what the first few of the writes to it left:
 * none of them, all of them, or any number. A file's size is that after any of its operations since. A name that was made or
 * removed may be so or not until its folder is synced, each name for itself; syncing a new file makes its name durable too.
 * Folders themselves are taken as durable, and a sector is written whole or not at all.
 *
 * An environment whose folder has the mark of a first load may hold anything, since the next start wipes it. Any
 * other must open, and hold exactly what it held after the last commit that had ended, or after the one that
 * was under way; and no other must be ahead of directory/.
 */
#include <config.h>

#include "cache/record.h"
#include "cache/replica.h"
#include "tests/powerloss/write_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	SECTOR = 512,
	PAGE = 4096,
	META_PAGES = 2,
	INODES_MAX = 256,
	NAMES_MAX = 64,
	NAME_ROOM = 200,
	PATH_ROOM = 1024,
	LOCK_OCTETS = 73728,
	MAP_SIZE = 1 << 30,
	EXIT_DAMAGED = 3,
	COMPLAINTS_MAX = 20,
};

/* --- what was recorded ------------------------------------------------------------------------------ */

struct operation {
	struct write_log head;
	char path[NAME_ROOM];
	const uint8_t *data;
};

static struct operation *operations;
static size_t operation_count;

static bool syncs_count = true;

static void __attribute__((noreturn)) printf_like(1, 2)
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("replay_writes: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

/* Into OUT, which has room for PATH_ROOM octets. */
static void printf_like(2, 3)
put_path(char *out, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out, PATH_ROOM, format, args);
	va_end(args);
	if (n < 0 || n >= PATH_ROOM)
		die("a path is too long");
}

static void *
must_have(void *memory)
{
	if (memory == NULL)
		die("no memory");
	return memory;
}

static void
read_log(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const uint8_t *at, *end;
	struct stat st;
	size_t room = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
		die("%s: %s", path, strerror(errno));
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	close(fd);
	for (end = at + st.st_size; at < end; operation_count++) {
		struct operation *op;

		if (operation_count == room) {
			room = room * 2 + 1024;
			operations = must_have(realloc(operations, room * sizeof(*operations)));
		}
		op = &operations[operation_count];
		memset(op, 0, sizeof(*op));
		if ((size_t)(end - at) < sizeof(op->head))
			break; /* cut by a kill */
		memcpy(&op->head, at, sizeof(op->head));
		at += sizeof(op->head);
		if ((size_t)(end - at) < (size_t)op->head.path_len + op->head.data_len || op->head.path_len >= NAME_ROOM)
			die("%s is damaged", path);
		memcpy(op->path, at, op->head.path_len);
		op->data = at + op->head.path_len;
		at += op->head.path_len + op->head.data_len;
	}
}

/* --- a file system that forgets ----------------------------------------------------------------------- */

/* A part of an operation that is not durable yet. */
struct pending {
	size_t operation;
	size_t from, to; /* of the file */
};

struct file {
	uint8_t *now, *disk; /* as the program sees it, and what is durable */
	size_t now_size, disk_size, room;
	struct pending *pending;
	size_t pending_count, pending_room;
};

struct name {
	char path[NAME_ROOM];
	int now, disk;       /* the file of that name, -1 for none */
	int *pending;
	size_t pending_count, pending_room;
};

static struct file files[INODES_MAX];
static size_t file_count;
static struct name names[NAMES_MAX];
static size_t name_count;
static struct { uint64_t inode; int file; } inodes[INODES_MAX];
static size_t inode_count;

static void
grow(struct file *file, size_t size)
{
	size_t room = file->room != 0 ? file->room : 1 << 16;

	if (size <= file->room)
		return;
	while (room < size)
		room *= 2;
	file->now = must_have(realloc(file->now, room));
	file->disk = must_have(realloc(file->disk, room));
	memset(file->now + file->room, 0, room - file->room);
	memset(file->disk + file->room, 0, room - file->room);
	file->room = room;
}

static struct name *
name_of(const char *path)
{
	struct name *name;

	for (size_t i = 0; i < name_count; i++)
		if (strcmp(names[i].path, path) == 0)
			return &names[i];
	if (name_count == NAMES_MAX)
		die("too many names");
	name = &names[name_count++];
	snprintf(name->path, sizeof(name->path), "%s", path);
	name->now = name->disk = -1;
	return name;
}

static void
set_name(struct name *name, int file)
{
	if (name->pending_count == name->pending_room) {
		name->pending_room = name->pending_room * 2 + 8;
		name->pending = must_have(realloc(name->pending, name->pending_room * sizeof(*name->pending)));
	}
	name->pending[name->pending_count++] = file;
	name->now = file;
}

/* The first COUNT of what happened to NAME is durable. */
static void
settle_name(struct name *name, size_t count)
{
	if (count == 0)
		return;
	name->disk = name->pending[count - 1];
	memmove(name->pending, name->pending + count, (name->pending_count - count) * sizeof(*name->pending));
	name->pending_count -= count;
}

static int
file_of(uint64_t inode)
{
	for (size_t i = inode_count; i-- > 0;)
		if (inodes[i].inode == inode)
			return inodes[i].file;
	die("a file that was never opened");
}

static void
bind_inode(uint64_t inode, int file)
{
	for (size_t i = 0; i < inode_count; i++) {
		if (inodes[i].inode == inode) {
			inodes[i].file = file;
			return;
		}
	}
	if (inode_count == INODES_MAX)
		die("too many inodes");
	inodes[inode_count].inode = inode;
	inodes[inode_count++].file = file;
}

static void
do_open(const struct operation *op)
{
	struct name *name = name_of(op->path);

	if (op->head.flags & WRITE_LOG_CREATED) {
		if (file_count == INODES_MAX)
			die("too many files");
		set_name(name, (int)file_count++);
	}
	if (name->now < 0)
		die("%s was there before the recording began", op->path);
	bind_inode(op->head.inode, name->now);
}

static void
add_pending(struct file *file, struct pending pending)
{
	if (file->pending_count == file->pending_room) {
		file->pending_room = file->pending_room * 2 + 64;
		file->pending = must_have(realloc(file->pending, file->pending_room * sizeof(*file->pending)));
	}
	file->pending[file->pending_count++] = pending;
}

/* Takes operation AT into what the program sees. */
static void
do_change(size_t at)
{
	const struct operation *op = &operations[at];
	struct file *file = &files[file_of(op->head.inode)];
	size_t end = op->head.offset + (op->head.op == WRITE_LOG_WRITE ? op->head.data_len : 0);

	grow(file, end);
	if (op->head.op == WRITE_LOG_WRITE) {
		memcpy(file->now + op->head.offset, op->data, op->head.data_len);
		if (end > file->now_size)
			file->now_size = end;
	} else {
		if (end < file->now_size)
			memset(file->now + end, 0, file->now_size - end);
		file->now_size = end;
	}
	add_pending(file, (struct pending){ at, op->head.offset, end });
}

static void
settle_file(int id)
{
	struct file *file = &files[id];

	if (file->room > 0)
		memcpy(file->disk, file->now, file->room);
	file->disk_size = file->now_size;
	file->pending_count = 0;
	for (size_t i = 0; i < name_count; i++)
		for (size_t n = names[i].pending_count; n > 0; n--)
			if (names[i].pending[n - 1] == id) {
				settle_name(&names[i], n);
				break;
			}
}

/* A write through O_DSYNC has ended: its pages are durable, and the size that they need. */
static void
settle_write(const struct operation *op)
{
	struct file *file = &files[file_of(op->head.inode)];
	size_t from = op->head.offset / PAGE * PAGE;
	size_t to = (op->head.offset + op->head.data_len + PAGE - 1) / PAGE * PAGE;

	grow(file, to);
	memcpy(file->disk + from, file->now + from, to - from);
	if (file->disk_size < op->head.offset + op->head.data_len)
		file->disk_size = op->head.offset + op->head.data_len;
	/* Earlier writes to these pages have no say any more. */
	size_t count = file->pending_count, kept = 0;
	struct pending *old = must_have(malloc((count + 1) * sizeof(*old)));

	if (count > 0)
		memcpy(old, file->pending, count * sizeof(*old));
	file->pending_count = 0;
	for (; kept < count; kept++) {
		struct pending before = old[kept], after = old[kept];

		before.to = before.to < from ? before.to : from;
		after.from = after.from > to ? after.from : to;
		if (operations[old[kept].operation].head.op != WRITE_LOG_WRITE) {
			add_pending(file, old[kept]);
			continue;
		}
		if (before.from < before.to)
			add_pending(file, before);
		if (after.from < after.to)
			add_pending(file, after);
	}
	free(old);
}

/* --- commits ------------------------------------------------------------------------------------------- */

static const char *const environments[] = { "directory/1", "dns/2", "mail/2", "secret/1", "account/1" };
enum { ENVIRONMENTS = array_size(environments) };

static const char *const directory_tables[REPLICA_TABLES] = {
	"meta", "node", "child", "uuid", "fragment", "zone", "pending", "problem",
};

/* What an environment holds: the hash of all its rows, and how far it says to be. */
struct content {
	uint64_t hash, sequence;
	uint8_t identity[16];
};

/* The content before and after each operation that may end a commit, a ring of the last two. */
struct history {
	struct content ended; /* after the last commit that had ended */
	bool has_ended;
	struct content under_way;
	bool is_under_way;
};

static struct history histories[ENVIRONMENTS];

static bool
is_meta_write(const struct operation *op, size_t environment)
{
	char path[PATH_ROOM];
	int file;

	if (op->head.op != WRITE_LOG_WRITE || op->head.offset >= META_PAGES * PAGE || op->head.data_len >= PAGE)
		return false;
	put_path(path, "%s/data.mdb", environments[environment]);
	file = name_of(path)->now;
	return file >= 0 && file == file_of(op->head.inode);
}

static uint64_t
hash_span(uint64_t hash, struct span s)
{
	hash = (hash ^ s.len) * 1099511628211u;
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (uint8_t)s.data[i]) * 1099511628211u;
	return hash;
}

static int
read_tables(struct store_txn *txn, unsigned count, struct content *out)
{
	out->hash = 14695981039346656037u;
	for (unsigned table = 0; table < count; table++) {
		struct store_cursor *cursor;
		struct span key, value;
		int r = store_cursor_open(txn, table, &cursor);

		if (r < 0)
			return r;
		for (r = store_cursor_seek(cursor, SPAN(""), &key, &value); r == 1;
		     r = store_cursor_next(cursor, &key, &value))
			out->hash = hash_span(hash_span(out->hash * 31 + table, key), value);
		store_cursor_close(cursor);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Opens environment E below FOLDER as the daemon does, and reads all of it. */
static int
read_environment(const char *folder, size_t e, struct content *out)
{
	struct store_options options = { NULL, 0, MAP_SIZE, 0640, (gid_t)-1 };
	char path[PATH_ROOM];
	struct store *store;
	struct store_txn *txn;
	struct span value;
	int r;

	memset(out, 0, sizeof(*out));
	if (e == 0) {
		options.tables = directory_tables;
		options.table_count = REPLICA_TABLES;
	}
	put_path(path, "%s/%s", folder, environments[e]);
	r = store_open_writer(path, &options, &store);
	if (r == 0)
		r = store_begin_read(store, &txn);
	if (r < 0)
		return r;
	r = read_tables(txn, e == 0 ? REPLICA_TABLES : 1, out);
	if (r == 0 && e == 0) {
		r = replica_meta_number(txn, "sequence", &out->sequence);
		if (r == 0)
			r = replica_meta(txn, "identity", &value);
		if (r == 1 && value.len == sizeof(out->identity))
			memcpy(out->identity, value.data, sizeof(out->identity));
	} else if (r == 0) {
		struct state_record state;

		r = store_get(txn, 0, SPAN("m"), &value);
		if (r == 1)
			r = state_record_read(value, &state);
		if (r == 0) {
			out->sequence = state.applied;
			memcpy(out->identity, state.source, sizeof(out->identity));
		}
	}
	store_abort(txn);
	store_close(store);
	return r < 0 ? r : 0;
}

/* read_environment in a process of its own: what is damaged may end it. Negative for that; the sentence is in WHY. */
static int
read_apart(const char *folder, size_t e, struct content *out, char *why, size_t why_room)
{
	struct text said = TEXT_INIT;
	int pipe_fds[2], status;
	struct { int result; struct content content; char why[512]; } message = { .result = -EIO };
	pid_t pid;

	if (pipe(pipe_fds) < 0)
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		alarm(20);
		message.result = read_environment(folder, e, &message.content);
		text_put(&said, store_error_text());
		memcpy(message.why, text_str(&said), said.len < sizeof(message.why) ? said.len : sizeof(message.why) - 1);
		_exit(write(pipe_fds[1], &message, sizeof(message)) == sizeof(message) ? 0 : EXIT_DAMAGED);
	}
	close(pipe_fds[1]);
	if (pid < 0 || read(pipe_fds[0], &message, sizeof(message)) != sizeof(message))
		message.result = -EFAULT;
	close(pipe_fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork: %s", strerror(errno));
	if (message.result == -EFAULT)
		snprintf(why, why_room, "reading it ended with status %#x", (unsigned)status);
	else
		snprintf(why, why_room, "%s", message.why);
	*out = message.content;
	return message.result;
}

/* --- images --------------------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t
random_number(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % below);
}

/* How the unsynced is dealt with. */
struct variant {
	enum { NOTHING, EVERYTHING, ANYTHING } kind;
	unsigned percent; /* of the units that are not left alone; of these each has any number of its writes */
	size_t unit;      /* SECTOR or PAGE */
};

static void
write_file(const char *path, const uint8_t *octets, size_t size)
{
	/* Not O_TRUNC: ext4 then writes to the disk when the file is closed. */
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		die("%s: %s", path, strerror(errno));
	while (size > 0) {
		ssize_t n = write(fd, octets, size);

		if (n <= 0)
			die("%s: %s", path, strerror(errno));
		octets += n;
		size -= (size_t)n;
	}
	close(fd);
}

/* The content of FILE at UNIT after the first COUNT of the pending writes to it, into IMAGE. */
static void
put_unit(const struct file *file, size_t from, size_t to, uint32_t count, uint8_t *image)
{
	for (size_t i = 0; i < file->pending_count && count > 0; i++) {
		const struct operation *op = &operations[file->pending[i].operation];
		size_t begin = file->pending[i].from, end = file->pending[i].to;

		if (op->head.op != WRITE_LOG_WRITE || begin >= to || end <= from)
			continue;
		count--;
		begin = begin > from ? begin : from;
		end = end < to ? end : to;
		memcpy(image + begin, op->data + (begin - op->head.offset), end - begin);
	}
}

static size_t
any_size(const struct file *file)
{
	uint32_t n = random_number((uint32_t)file->pending_count + 1);
	size_t size = file->disk_size;

	for (uint32_t i = 0; i < n; i++) {
		const struct pending *pending = &file->pending[i];

		if (operations[pending->operation].head.op == WRITE_LOG_TRUNCATE || size < pending->to)
			size = pending->to;
	}
	return size;
}

/* What the disk may hold of FILE, as a new block of memory. */
static uint8_t *
make_file(const struct file *file, const struct variant *variant, size_t *out_size)
{
	uint8_t *image = must_have(malloc(file->room + 1));
	size_t pages = file->room / variant->unit;
	uint32_t *touched;

	*out_size = 0;
	if (file->room == 0)
		return image;
	memcpy(image, file->disk, file->room);
	*out_size = file->disk_size;
	if (variant->kind == NOTHING)
		return image;
	if (variant->kind == EVERYTHING) {
		memcpy(image, file->now, file->room);
		*out_size = file->now_size;
		return image;
	}
	touched = must_have(calloc(pages + 1, sizeof(*touched)));
	for (size_t i = 0; i < file->pending_count; i++) {
		const struct pending *pending = &file->pending[i];

		if (operations[pending->operation].head.op != WRITE_LOG_WRITE)
			continue;
		for (size_t u = pending->from / variant->unit; u * variant->unit < pending->to; u++)
			touched[u]++;
	}
	for (size_t u = 0; u < pages; u++)
		if (touched[u] != 0 && random_number(100) < variant->percent)
			put_unit(file, u * variant->unit, (u + 1) * variant->unit, random_number(touched[u] + 1), image);
	free(touched);
	*out_size = random_number(3) == 0 ? file->now_size : any_size(file);
	return image;
}

static int
durable_name(const struct name *name, const struct variant *variant)
{
	uint32_t count;

	if (variant->kind == NOTHING || name->pending_count == 0)
		return name->disk;
	if (variant->kind == EVERYTHING)
		return name->now;
	count = random_number((uint32_t)name->pending_count + 1);
	return count == 0 ? name->disk : name->pending[count - 1];
}

/* Writes what the disk may hold now below FOLDER. */
static void
make_image(const char *folder, const struct variant *variant)
{
	char path[PATH_ROOM];

	for (size_t i = 0; i < name_count; i++) {
		int id = durable_name(&names[i], variant);
		bool is_lock = strstr(names[i].path, "/lock.mdb") != NULL;
		uint8_t *octets;
		size_t size;

		put_path(path, "%s/%s", folder, names[i].path);
		/* Lock files are written through a mapping: they may hold anything. */
		if (is_lock && random_number(2) == 0) {
			octets = must_have(malloc(LOCK_OCTETS));
			for (size_t at = 0; at < LOCK_OCTETS; at++)
				octets[at] = (uint8_t)random_number(256);
			write_file(path, octets, LOCK_OCTETS);
			free(octets);
			continue;
		}
		if (id < 0 || is_lock) {
			if (unlink(path) < 0 && errno != ENOENT)
				die("%s: %s", path, strerror(errno));
			continue;
		}
		octets = make_file(&files[id], variant, &size);
		write_file(path, octets, size);
		free(octets);
	}
}

static void
make_folders(const char *folder)
{
	static const char *const parts[] = { "", "/directory", "/directory/1", "/dns", "/dns/2", "/mail", "/mail/2",
		                           "/secret", "/secret/1", "/account", "/account/1" };
	char path[PATH_ROOM];

	for (size_t i = 0; i < array_size(parts); i++) {
		put_path(path, "%s%s", folder, parts[i]);
		if (mkdir(path, 0750) < 0 && errno != EEXIST)
			die("%s: %s", path, strerror(errno));
	}
}

/* --- judging --------------------------------------------------------------------------------------------- */

static struct {
	unsigned long points, syncs, commits, images, opened, last, under_way, marked, fresh, both, bad;
} figures;

static void printf_like(2, 3)
complain(size_t point, const char *format, ...)
{
	va_list args;

	if (++figures.bad > COMPLAINTS_MAX || !syncs_count)
		return;
	printf("BAD point %zu (operation %u): ", point, operations[point].head.op);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static bool
exists(const char *folder, const char *environment, const char *file)
{
	char path[PATH_ROOM];
	struct stat st;

	put_path(path, "%s/%s/%s", folder, environment, file);
	return stat(path, &st) == 0;
}

static void
judge(const char *folder, size_t point)
{
	struct content contents[ENVIRONMENTS];
	bool sound[ENVIRONMENTS] = { false };
	char why[600];

	for (size_t e = 0; e < ENVIRONMENTS; e++) {
		const struct history *history = &histories[e];

		if (exists(folder, environments[e], "loading")) {
			figures.marked++;
			continue;
		}
		if (!exists(folder, environments[e], "data.mdb")) {
			if (history->has_ended)
				complain(point, "%s: it is gone, and there is no mark", environments[e]);
			figures.fresh++;
			continue;
		}
		if (read_apart(folder, e, &contents[e], why, sizeof(why)) < 0) {
			complain(point, "%s cannot be opened: %s", environments[e], why);
			continue;
		}
		figures.opened++;
		sound[e] = true;
		if (history->has_ended && contents[e].hash == history->ended.hash)
			figures.last++;
		else if (history->is_under_way && contents[e].hash == history->under_way.hash)
			figures.under_way++;
		else
			complain(point, "%s is no committed state (it says %llu; the last was %llu)", environments[e],
			         (unsigned long long)contents[e].sequence, (unsigned long long)history->ended.sequence);
	}
	for (size_t e = 1; e < ENVIRONMENTS; e++) {
		if (!sound[0] || !sound[e] ||
		    memcmp(contents[0].identity, contents[e].identity, sizeof(contents[0].identity)) != 0)
			continue;
		figures.both++;
		if (contents[e].sequence > contents[0].sequence)
			complain(point, "%s has applied %llu, but directory/ is at %llu", environments[e],
			         (unsigned long long)contents[e].sequence, (unsigned long long)contents[0].sequence);
	}
}

/* What environment E holds as the program sees it now. */
static void
read_present(const char *folder, size_t e, struct content *out)
{
	static const struct variant everything = { EVERYTHING, 100, PAGE };
	char why[600];

	make_image(folder, &everything);
	if (read_apart(folder, e, out, why, sizeof(why)) < 0)
		die("%s cannot be read without a power loss: %s", environments[e], why);
}

static void
judge_variants(const char *folder, size_t point, unsigned variants)
{
	static const unsigned percents[] = { 50, 95, 10 };

	for (unsigned v = 0; v < variants; v++) {
		struct variant variant = { ANYTHING, percents[v % array_size(percents)], v % 2 != 0 ? PAGE : SECTOR };

		if (v < 2)
			variant.kind = v == 0 ? NOTHING : EVERYTHING;
		make_image(folder, &variant);
		figures.images++;
		judge(folder, point);
	}
}

/* --- going through the log -------------------------------------------------------------------------------- */

/* The part of operation AT that happens whether or not the power fails in its course. */
static void
begin_operation(size_t at)
{
	const struct operation *op = &operations[at];

	switch (op->head.op) {
	case WRITE_LOG_OPEN:
		do_open(op);
		break;
	case WRITE_LOG_WRITE:
	case WRITE_LOG_TRUNCATE:
		do_change(at);
		break;
	case WRITE_LOG_UNLINK:
		set_name(name_of(op->path), -1);
		break;
	default:
		break;
	}
}

static void
end_operation(size_t at)
{
	const struct operation *op = &operations[at];
	size_t folder_len = strlen(op->path);

	if (!syncs_count)
		return;
	if (op->head.op == WRITE_LOG_SYNC)
		settle_file(file_of(op->head.inode));
	if (op->head.op == WRITE_LOG_WRITE && (op->head.flags & WRITE_LOG_DSYNC))
		settle_write(op);
	if (op->head.op == WRITE_LOG_SYNC_FOLDER)
		for (size_t i = 0; i < name_count; i++)
			if (strncmp(names[i].path, op->path, folder_len) == 0 && names[i].path[folder_len] == '/' &&
			    strchr(names[i].path + folder_len + 1, '/') == NULL)
				settle_name(&names[i], names[i].pending_count);
}

/* Whether it is worth looking at what a power loss in operation AT leaves. Between these there are only writes, and
 * every subset of writes is among what the next one may leave. */
static bool
is_point(size_t at)
{
	const struct operation *op = &operations[at];

	return op->head.op == WRITE_LOG_SYNC || op->head.op == WRITE_LOG_SYNC_FOLDER || op->head.op == WRITE_LOG_UNLINK ||
	       (op->head.op == WRITE_LOG_OPEN && (op->head.flags & WRITE_LOG_CREATED)) ||
	       (op->head.op == WRITE_LOG_WRITE && (op->head.flags & WRITE_LOG_DSYNC)) || at + 1 == operation_count;
}

static void
check(const char *folder, unsigned variants)
{
	for (size_t at = 0; at < operation_count; at++) {
		const struct operation *op = &operations[at];

		begin_operation(at);
		for (size_t e = 0; e < ENVIRONMENTS; e++) {
			if (!is_meta_write(op, e))
				continue;
			figures.commits++;
			read_present(folder, e, &histories[e].under_way);
			histories[e].is_under_way = true;
		}
		if (is_point(at)) {
			figures.points++;
			figures.syncs += op->head.op == WRITE_LOG_SYNC || op->head.op == WRITE_LOG_WRITE;
			judge_variants(folder, at, variants);
		}
		if (!syncs_count && figures.bad > COMPLAINTS_MAX)
			break;
		end_operation(at);
		for (size_t e = 0; e < ENVIRONMENTS; e++) {
			char path[PATH_ROOM];

			if (histories[e].is_under_way) {
				/* Without syncs this is only what is wanted; then the mark is there. */
				histories[e].ended = histories[e].under_way;
				histories[e].has_ended = true;
				histories[e].is_under_way = false;
			}
			/* Wiped, to begin anew. */
			put_path(path, "%s/data.mdb", environments[e]);
			if (name_of(path)->now < 0)
				histories[e].has_ended = false;
		}
	}
	printf("operations %zu, points %lu (syncs %lu), commits %lu, images %lu; environments: opened %lu, the last commit %lu, the "
	       "one under way %lu, marked %lu, none yet %lu; pairs %lu; bad %lu\n",
	       operation_count, figures.points, figures.syncs, figures.commits, figures.images, figures.opened, figures.last,
	       figures.under_way, figures.marked, figures.fresh, figures.both, figures.bad);
}

static void
image(const char *folder, size_t point)
{
	const struct variant variant = { ANYTHING, 50, random_number(2) != 0 ? PAGE : SECTOR };
	size_t number = 0;

	for (size_t at = 0; at < operation_count; at++) {
		begin_operation(at);
		if (is_point(at) && number++ == point) {
			make_image(folder, &variant);
			printf("operation %zu of %zu\n", at, operation_count);
			return;
		}
		end_operation(at);
	}
	die("there is no point %zu", point);
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		die("usage: replay_writes check|distrust|image|points LOG [FOLDER SEED VARIANTS|POINT]");
	read_log(argv[2]);
	if (strcmp(argv[1], "points") == 0) {
		size_t count = 0;

		for (size_t at = 0; at < operation_count; at++)
			count += is_point(at);
		printf("%zu\n", count);
		return 0;
	}
	if (argc != 6)
		die("five arguments");
	make_folders(argv[3]);
	random_state = strtoull(argv[4], NULL, 10) * 2654435761u + 1;
	syncs_count = strcmp(argv[1], "distrust") != 0;
	if (strcmp(argv[1], "check") == 0 || !syncs_count)
		check(argv[3], (unsigned)atoi(argv[5]));
	else
		image(argv[3], strtoul(argv[5], NULL, 10));
	return figures.bad == 0 ? 0 : 1;
}
