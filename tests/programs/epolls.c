/* epoll: sets in sets, events that one set of several is told of, errors.
 * Prints what went wrong, and last how much of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EPOLL_PWAIT2 441

static int failures;

/* Says what was expected, unless it holds. */
#define EXPECT(condition)                                                \
	do {                                                             \
		if (!(condition)) {                                      \
			printf("line %d: %s (errno %d)\n", __LINE__,     \
			       #condition, errno);                       \
			failures++;                                      \
		}                                                        \
	} while (0)

#define FAILS(call, error) EXPECT((call) == -1 && errno == (error))

static void nap(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* Waits until a process sleeps in epoll_wait. */
static void until_asleep(pid_t process)
{
	char path[64], text[64];

	snprintf(path, sizeof path, "/proc/%d/wchan", process);
	for (int i = 0; i < 10000; i++) {
		int file = open(path, O_RDONLY);
		ssize_t length = read(file, text, sizeof text - 1);

		close(file);
		text[length > 0 ? length : 0] = 0;
		if (!strcmp(text, "ep_poll"))
			return;
		nap(1);
	}
	EXPECT(!"asleep");
}

static int add(int set, int file, unsigned events)
{
	struct epoll_event event = { .events = events, .data.fd = file };

	return epoll_ctl(set, EPOLL_CTL_ADD, file, &event);
}

static int wait_for(int set, int ms)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, ms) == 1 ? event.data.fd : -1;
}

static void sets_in_sets(void)
{
	int sets[6], ends[2];

	EXPECT(pipe(ends) == 0);
	for (int i = 0; i < 6; i++)
		sets[i] = epoll_create1(0);
	EXPECT(add(sets[0], ends[0], EPOLLIN) == 0);
	for (int i = 1; i < 5; i++)
		EXPECT(add(sets[i], sets[i - 1], EPOLLIN) == 0);
	/* Six deep. */
	FAILS(add(sets[5], sets[4], EPOLLIN), ELOOP);
	FAILS(add(sets[0], sets[5], EPOLLIN), ELOOP);
	/* In a circle, or in itself. */
	FAILS(add(sets[0], sets[4], EPOLLIN), ELOOP);
	FAILS(add(sets[0], sets[0], EPOLLIN), EINVAL);
	EXPECT(wait_for(sets[4], 0) == -1);
	EXPECT(write(ends[1], "x", 1) == 1);
	for (int i = 4; i > 0; i--)
		EXPECT(wait_for(sets[i], 1000) == sets[i - 1]);
	EXPECT(wait_for(sets[0], 0) == ends[0]);
	/* What goes makes room. */
	EXPECT(epoll_ctl(sets[4], EPOLL_CTL_DEL, sets[3], 0) == 0);
	EXPECT(add(sets[5], sets[3], EPOLLIN) == 0);
	close(sets[5]);
	EXPECT(add(sets[4], sets[3], EPOLLIN) == 0);
	for (int i = 0; i < 5; i++)
		close(sets[i]);
	close(ends[0]);
	close(ends[1]);
}

/* A look goes every way: there are not too many. */
static void ways(void)
{
	int sets[5][40];
	int refused = 0;

	for (int level = 0; level < 5; level++)
		for (int i = 0; i < 40; i++) {
			sets[level][i] = epoll_create1(0);
			for (int j = 0; level && j < 40; j++)
				if (add(sets[level][i], sets[level - 1][j],
					EPOLLIN)) {
					EXPECT(errno == EINVAL);
					refused++;
				}
		}
	EXPECT(refused > 0);
	for (int level = 0; level < 5; level++)
		for (int i = 0; i < 40; i++)
			close(sets[level][i]);
}

/* Puts a set into another one by so many descriptors, which are left open; how
 * many were refused. */
static int put_often(int outer, int inner, int count)
{
	int refused = 0;

	for (int i = 0; i < count; i++)
		if (add(outer, dup(inner), EPOLLIN)) {
			EXPECT(errno == EINVAL);
			refused++;
		}
	return refused;
}

/* Ways to a file: of each step as many as of the others, and through several
 * sets. */
static void ways_to_a_file(void)
{
	int sets[3], file = eventfd(0, 0), refused = 0;

	for (int i = 0; i < 3; i++)
		sets[i] = epoll_create1(0);
	EXPECT(add(sets[0], file, EPOLLIN) == 0);
	EXPECT(put_often(sets[1], sets[0], 20) == 0);
	/* A hundred through two sets. */
	EXPECT(put_often(sets[2], sets[1], 20) == 15);
	close_range(file + 1, ~0U, 0);
	for (int i = 0; i < 3; i++)
		sets[i] = epoll_create1(0);
	EXPECT(put_often(sets[2], sets[0], 300) == 0);
	EXPECT(put_often(sets[2], sets[1], 300) == 0);
	EXPECT(add(sets[0], file, EPOLLIN) == 0);
	/* Five hundred through one. */
	FAILS(add(sets[1], file, EPOLLIN), EINVAL);
	/* It was not kept. */
	FAILS(epoll_ctl(sets[1], EPOLL_CTL_DEL, file, 0), ENOENT);
	/* On Firn a look goes all of them: few files have so many. */
	for (int i = 0; i < 300; i++)
		refused += add(sets[0], eventfd(0, 0), EPOLLIN) != 0;
	EXPECT(refused > 0 && refused < 200);
	EXPECT(wait_for(sets[2], 0) == -1);
	close_range(3, ~0U, 0);
}

static volatile int *woken;

/* Each event wakes one set of those that share it. */
static void one_of_several(unsigned edge)
{
	int ends[2];
	pid_t children[4];
	char byte;

	*woken = 0;
	EXPECT(pipe(ends) == 0);
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		int set = epoll_create1(0);
		add(set, ends[0], EPOLLIN | EPOLLEXCLUSIVE | edge);
		if (wait_for(set, 20000) == ends[0])
			__sync_fetch_and_add(woken, 1);
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		until_asleep(children[i]);
	for (int i = 1; i <= 4; i++) {
		EXPECT(write(ends[1], "x", 1) == 1);
		for (int j = 0; j < 5000 && *woken < i; j++)
			nap(1);
		nap(20);
		EXPECT(*woken == i);
		EXPECT(read(ends[0], &byte, 1) == 1);
	}
	for (int i = 0; i < 4; i++)
		waitpid(children[i], 0, 0);
	close(ends[0]);
	close(ends[1]);
}

/* Who has looked at a set, and sleeps elsewhere, keeps no event from one that
 * waits for it; and finds the next, when nobody does. */
static void absent_one(void)
{
	int ends[2], set = epoll_create1(0), status = 1;
	pid_t waiter;
	char byte;

	EXPECT(pipe(ends) == 0);
	EXPECT(add(set, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLET) == 0);
	EXPECT(wait_for(set, 0) == -1);
	waiter = fork();
	if (!waiter) {
		set = epoll_create1(0);
		add(set, ends[0], EPOLLIN | EPOLLEXCLUSIVE);
		_exit(wait_for(set, 5000) != ends[0]);
	}
	until_asleep(waiter);
	if (!fork()) {
		nap(100);
		_exit(write(ends[1], "x", 1) != 1);
	}
	EXPECT(waitpid(waiter, &status, 0) == waiter && status == 0);
	EXPECT(wait(&status) > 0 && status == 0);
	EXPECT(read(ends[0], &byte, 1) == 1);
	wait_for(set, 0);
	EXPECT(write(ends[1], "x", 1) == 1);
	EXPECT(wait_for(set, 1000) == ends[0]);
	close(set);
	close(ends[0]);
	close(ends[1]);
}

static void write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	EXPECT(write(file, text, strlen(text)) == (ssize_t)strlen(text));
	close(file);
}

/* A frozen one keeps no event from the others. */
static void frozen_one(void)
{
	int ends[2];
	pid_t children[2];
	char number[16];

	*woken = 0;
	mkdir("/cgroup", 0755);
	EXPECT(mount("none", "/cgroup", "cgroup", 0, "freezer") == 0);
	mkdir("/cgroup/epoll", 0755);
	EXPECT(pipe(ends) == 0);
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		if (!children[i]) {
			int set = epoll_create1(0);
			add(set, ends[0], EPOLLIN | EPOLLEXCLUSIVE);
			if (wait_for(set, 20000) == ends[0])
				__sync_fetch_and_add(woken, 1 << 8 * i);
			_exit(0);
		}
		until_asleep(children[i]);
	}
	/* The first in the queue. */
	snprintf(number, sizeof number, "%d", children[0]);
	write_file("/cgroup/epoll/tasks", number);
	write_file("/cgroup/epoll/freezer.state", "FROZEN");
	EXPECT(write(ends[1], "x", 1) == 1);
	for (int j = 0; j < 5000 && !*woken; j++)
		nap(1);
	EXPECT(*woken == 1 << 8);
	write_file("/cgroup/epoll/freezer.state", "THAWED");
	for (int i = 0; i < 2; i++)
		waitpid(children[i], 0, 0);
	EXPECT(*woken == 0x101);
	rmdir("/cgroup/epoll");
	umount("/cgroup");
}

static void refused(void)
{
	int set = epoll_create1(0), inner = epoll_create1(0), ends[2];
	int zero = open("/dev/zero", O_RDONLY), place = open("/", O_PATH);
	struct epoll_event event = { .events = EPOLLIN };
	struct timespec time = { 0, 1000000 }, wrong = { 0, 1000000000 };

	EXPECT(pipe(ends) == 0);
	FAILS(add(set, zero, EPOLLIN), EPERM);
	FAILS(add(set, open("/proc/self/maps", O_RDONLY), EPOLLIN), EPERM);
	FAILS(add(set, place, EPOLLIN), EBADF);
	FAILS(add(set, -1, EPOLLIN), EBADF);
	FAILS(add(ends[0], ends[1], EPOLLIN), EINVAL);
	FAILS(add(set, inner, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	FAILS(add(set, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT),
	      EINVAL);
	EXPECT(add(set, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLET) == 0);
	FAILS(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event), EINVAL);
	EXPECT(add(set, ends[1], EPOLLERR | EPOLLWAKEUP) == 0);
	event.events = EPOLLERR | EPOLLEXCLUSIVE;
	FAILS(epoll_ctl(set, EPOLL_CTL_MOD, ends[1], &event), EINVAL);
	EXPECT(syscall(EPOLL_PWAIT2, set, &event, 1, &time, 0, 8) == 0);
	FAILS(syscall(EPOLL_PWAIT2, set, &event, 1, &wrong, 0, 8), EINVAL);
	FAILS(syscall(EPOLL_PWAIT2, set, &event, 1, (void *)8, 0, 8), EFAULT);
	FAILS(syscall(EPOLL_PWAIT2, set, &event, 0, &time, 0, 8), EINVAL);
}

/* A mount is told to who reads the list. */
static void mounts(void)
{
	int file = open("/proc/mounts", O_RDONLY), set = epoll_create1(0);
	struct pollfd entry = { .fd = file, .events = POLLPRI };
	char text[4096];

	EXPECT(add(set, file, EPOLLPRI) == 0);
	EXPECT(wait_for(set, 0) == -1);
	EXPECT(poll(&entry, 1, 0) == 0);
	mkdir("/mounted", 0755);
	EXPECT(mount("none", "/mounted", "tmpfs", 0, "") == 0);
	EXPECT(wait_for(set, 1000) == file);
	while (read(file, text, sizeof text) > 0)
		;
	EXPECT(wait_for(set, 0) == -1);
	umount("/mounted");
	EXPECT(poll(&entry, 1, 1000) == 1);
	EXPECT(entry.revents == (POLLPRI | POLLERR));
	EXPECT(poll(&entry, 1, 0) == 0);
}

int main(void)
{
	woken = mmap(0, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sets_in_sets();
	ways();
	ways_to_a_file();
	one_of_several(0);
	one_of_several(EPOLLET);
	absent_one();
	frozen_one();
	refused();
	mounts();
	printf("%d failures\n", failures);
	return failures != 0;
}
