/* Futexes with an owner, several at once, and what is refused. Prints what
 * went wrong, and last how much of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PI2 13
#define WAITV 449

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

static long futex(void *word, int what, unsigned value, void *time,
		  void *other, unsigned last)
{
	return syscall(SYS_futex, word, what, value, time, other, last);
}

static int id(void)
{
	return syscall(SYS_gettid);
}

static void nap(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* Words that children share. */
static volatile unsigned *words;

/* Waits until a word holds a value, ten seconds at most. */
static int soon(volatile unsigned *word, unsigned value)
{
	for (int i = 0; i < 10000 && *word != value; i++)
		nap(1);
	return *word == value;
}

static int asleep(pid_t process)
{
	char path[64], text[256] = "";

	snprintf(path, sizeof path, "/proc/%d/stat", process);
	for (int i = 0; i < 10000; i++) {
		int file = open(path, O_RDONLY);
		ssize_t length = read(file, text, sizeof text - 1);

		close(file);
		char *end = length > 0 ? strrchr(text, ')') : NULL;
		if (end && (end[2] == 'S' || end[2] == 'D'))
			return 1;
		nap(1);
	}
	return 0;
}

static void one_thread(void)
{
	unsigned word = 0;
	struct timespec past = { 1, 0 };

	EXPECT(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0) == 0);
	EXPECT(word == (unsigned)id());
	EXPECT(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0) == -1 &&
	       errno == EDEADLK);
	EXPECT(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, 0, 0, 0) == -1 &&
	       errno == EDEADLK);
	EXPECT(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0) == 0);
	EXPECT(word == 0);
	EXPECT(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0) == -1 &&
	       errno == EPERM);
	word = 1;
	EXPECT(futex(&word, FUTEX_TRYLOCK_PI, 0, 0, 0, 0) == -1 &&
	       errno == EAGAIN);
	EXPECT(futex(&word, FUTEX_LOCK_PI, 0, &past, 0, 0) == -1 &&
	       errno == ETIMEDOUT);
	EXPECT(futex(&word, LOCK_PI2, 0, &past, 0, 0) == -1 &&
	       errno == ETIMEDOUT);
	EXPECT(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, &past, 0,
		     0) == -1 && errno == ENOSYS);
	/* Nobody has such a number. */
	word = 0x3ffffff0;
	EXPECT(futex(&word, FUTEX_LOCK_PI, 0, 0, 0, 0) == -1 && errno == ESRCH);
	EXPECT(futex((char *)&word + 1, FUTEX_LOCK_PI, 0, 0, 0, 0) == -1 &&
	       errno == EINVAL);
}

/* A child that takes the lock, notes it and gives it back. */
static pid_t taker(volatile unsigned *word, volatile unsigned *note)
{
	pid_t child = fork();

	if (child)
		return child;
	*note = futex((void *)word, FUTEX_LOCK_PI, 0, 0, 0, 0) ? 100 : 1;
	if (*word & FUTEX_OWNER_DIED)
		*note = 2;
	futex((void *)word, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
	_exit(0);
}

static void hand_over(void)
{
	volatile unsigned *word = words, *notes = words + 1;
	pid_t first, second;

	memset((void *)words, 0, 64);
	EXPECT(futex((void *)word, FUTEX_LOCK_PI, 0, 0, 0, 0) == 0);
	first = taker(word, notes);
	EXPECT(asleep(first));
	second = taker(word, notes + 1);
	EXPECT(asleep(second));
	EXPECT(*word == ((unsigned)id() | FUTEX_WAITERS));
	EXPECT(notes[0] == 0 && notes[1] == 0);
	EXPECT(futex((void *)word, FUTEX_UNLOCK_PI, 0, 0, 0, 0) == 0);
	EXPECT(soon(notes, 1) && soon(notes + 1, 1));
	waitpid(first, 0, 0);
	waitpid(second, 0, 0);
	EXPECT(*word == 0);
}

/* Who waits has what the dead one had. */
static void owner_dies(void)
{
	volatile unsigned *word = words, *notes = words + 1;
	pid_t owner, next;

	memset((void *)words, 0, 64);
	owner = fork();
	if (!owner) {
		futex((void *)word, FUTEX_LOCK_PI, 0, 0, 0, 0);
		notes[2] = 1;
		pause();
	}
	EXPECT(soon(notes + 2, 1));
	next = taker(word, notes);
	EXPECT(asleep(next));
	kill(owner, SIGKILL);
	waitpid(owner, 0, 0);
	EXPECT(soon(notes, 2));
	waitpid(next, 0, 0);
	EXPECT(*word == 0);
}

/* Two that wait for each other. */
static void deadlock(void)
{
	volatile unsigned *one = words, *other = words + 1;
	pid_t child;

	memset((void *)words, 0, 64);
	EXPECT(futex((void *)one, FUTEX_LOCK_PI, 0, 0, 0, 0) == 0);
	child = fork();
	if (!child) {
		futex((void *)other, FUTEX_LOCK_PI, 0, 0, 0, 0);
		futex((void *)one, FUTEX_LOCK_PI, 0, 0, 0, 0);
		_exit(0);
	}
	EXPECT(asleep(child));
	EXPECT(futex((void *)other, FUTEX_LOCK_PI, 0, 0, 0, 0) == -1 &&
	       errno == EDEADLK);
	futex((void *)one, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
	waitpid(child, 0, 0);
}

static void write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	EXPECT(write(file, text, strlen(text)) == (ssize_t)strlen(text));
	close(file);
}

/* A waiter that is frozen has the lock, and goes on after the thaw. */
static void frozen_waiter(void)
{
	volatile unsigned *word = words, *note = words + 1;
	char text[16] = "", number[16];

	memset((void *)words, 0, 64);
	mkdir("/cgroup", 0755);
	EXPECT(mount("none", "/cgroup", "cgroup", 0, "freezer") == 0);
	mkdir("/cgroup/lock", 0755);
	EXPECT(futex((void *)word, FUTEX_LOCK_PI, 0, 0, 0, 0) == 0);
	pid_t child = taker(word, note);
	EXPECT(asleep(child));
	snprintf(number, sizeof number, "%d", child);
	write_file("/cgroup/lock/tasks", number);
	write_file("/cgroup/lock/freezer.state", "FROZEN");
	int state = open("/cgroup/lock/freezer.state", O_RDONLY);
	EXPECT(read(state, text, 6) == 6 && !memcmp(text, "FROZEN", 6));
	close(state);
	EXPECT(futex((void *)word, FUTEX_UNLOCK_PI, 0, 0, 0, 0) == 0);
	nap(50);
	EXPECT(*note == 0 && *word == ((unsigned)child | FUTEX_WAITERS));
	write_file("/cgroup/lock/freezer.state", "THAWED");
	EXPECT(soon(note, 1));
	waitpid(child, 0, 0);
	rmdir("/cgroup/lock");
	umount("/cgroup");
}

static void moved_to_lock(void)
{
	volatile unsigned *condition = words, *word = words + 1;
	volatile unsigned *done = words + 2;
	pid_t children[3];

	memset((void *)words, 0, 64);
	EXPECT(futex((void *)word, FUTEX_LOCK_PI, 0, 0, 0, 0) == 0);
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i]) {
			EXPECT(asleep(children[i]));
			continue;
		}
		long got = futex((void *)condition, FUTEX_WAIT_REQUEUE_PI, 0, 0,
				 (void *)word, 0);
		if (got || (*word & FUTEX_TID_MASK) != (unsigned)id())
			_exit(1);
		__sync_fetch_and_add(done, 1);
		_exit(futex((void *)word, FUTEX_UNLOCK_PI, 0, 0, 0, 0) != 0);
	}
	EXPECT(futex((void *)condition, FUTEX_WAKE, 1, 0, 0, 0) == -1 &&
	       errno == EINVAL);
	EXPECT(futex((void *)condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9,
		     (void *)word, 7) == -1 && errno == EAGAIN);
	EXPECT(futex((void *)condition, FUTEX_CMP_REQUEUE_PI, 2, (void *)9,
		     (void *)word, 0) == -1 && errno == EINVAL);
	EXPECT(futex((void *)condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9,
		     (void *)(words + 8), 0) == -1 && errno == EINVAL);
	EXPECT(futex((void *)condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1,
		     (void *)word, 0) == 2);
	nap(20);
	EXPECT(*done == 0);
	EXPECT(futex((void *)word, FUTEX_UNLOCK_PI, 0, 0, 0, 0) == 0);
	EXPECT(soon(done, 2));
	/* The lock is free: the last has it at once. */
	EXPECT(futex((void *)condition, FUTEX_CMP_REQUEUE_PI, 1, 0,
		     (void *)word, 0) == 1);
	EXPECT(soon(done, 3));
	for (int i = 0; i < 3; i++) {
		int status;

		waitpid(children[i], &status, 0);
		EXPECT(status == 0);
	}
	EXPECT((*word & FUTEX_TID_MASK) == 0);
	struct timespec past = { 1, 0 };
	EXPECT(futex((void *)condition, FUTEX_WAIT_REQUEUE_PI, 0, &past,
		     (void *)word, 0) == -1 && errno == ETIMEDOUT);
}

/* struct futex_waitv. */
struct waitv {
	uint64_t value, address;
	uint32_t flags, nothing;
};

static void several(void)
{
	struct waitv list[3];
	struct timespec past = { 1, 0 };

	memset((void *)words, 0, 64);
	for (int i = 0; i < 3; i++)
		list[i] = (struct waitv){ 0, (uint64_t)(words + i), 2, 0 };
	EXPECT(syscall(WAITV, list, 3, 0, &past, CLOCK_MONOTONIC) == -1 &&
	       errno == ETIMEDOUT);
	EXPECT(syscall(WAITV, list, 0, 0, 0, 0) == -1 && errno == EINVAL);
	EXPECT(syscall(WAITV, list, 129, 0, 0, 0) == -1 && errno == EINVAL);
	EXPECT(syscall(WAITV, list, 3, 1, 0, 0) == -1 && errno == EINVAL);
	EXPECT(syscall(WAITV, list, 3, 0, &past, CLOCK_TAI) == -1 &&
	       errno == EINVAL);
	list[1].value = 1;
	EXPECT(syscall(WAITV, list, 3, 0, 0, 0) == -1 && errno == EAGAIN);
	list[1] = (struct waitv){ 0, (uint64_t)(words + 1), 0, 0 };
	EXPECT(syscall(WAITV, list, 3, 0, 0, 0) == -1 && errno == EINVAL);
	list[1].flags = 2;
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();
		int status;

		if (!child)
			_exit(syscall(WAITV, list, 3, 0, 0, 0));
		EXPECT(asleep(child));
		EXPECT(futex((void *)(words + i), FUTEX_WAKE, 9, 0, 0, 0) == 1);
		waitpid(child, &status, 0);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == i);
	}
	/* Nothing stands there any more. */
	EXPECT(futex((void *)words, FUTEX_WAKE, 9, 0, 0, 0) == 0);
}

static void refused(void)
{
	char *gone = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *word = (void *)words;

	words[0] = 0;
	EXPECT(futex(gone, FUTEX_WAKE, 1, 0, 0, 0) == -1 && errno == EFAULT);
	EXPECT(futex(word, FUTEX_CMP_REQUEUE, 1, (void *)1, gone, 0) == -1 &&
	       errno == EFAULT);
	munmap(gone, 4096);
	EXPECT(futex(gone, FUTEX_WAKE, 1, 0, 0, 0) == -1 && errno == EFAULT);
	EXPECT(futex(gone, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0) == 0);
	EXPECT(futex((void *)-4096, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0) == -1 &&
	       errno == EFAULT);
	EXPECT(futex(word, FUTEX_CMP_REQUEUE, 1, (void *)-1, word, 0) == -1 &&
	       errno == EINVAL);
	EXPECT(futex(word, FUTEX_CMP_REQUEUE, -1, (void *)1, word, 0) == -1 &&
	       errno == EINVAL);
}

/* The C library's mutex of this kind, under load. */
static pthread_mutex_t mutex;
static int sum;

static void *add(void *nothing)
{
	(void)nothing;
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&mutex);
		sum++;
		pthread_mutex_unlock(&mutex);
	}
	return 0;
}

static void *die_with_it(void *nothing)
{
	(void)nothing;
	pthread_mutex_lock(&mutex);
	return 0;
}

static void mutexes(void)
{
	pthread_mutexattr_t attributes;
	pthread_t threads[4];

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	EXPECT(pthread_mutex_init(&mutex, &attributes) == 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], 0, add, 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], 0);
	EXPECT(sum == 4 * 5000);
	pthread_create(threads, 0, die_with_it, 0);
	pthread_join(threads[0], 0);
	EXPECT(pthread_mutex_lock(&mutex) == EOWNERDEAD);
	EXPECT(pthread_mutex_consistent(&mutex) == 0);
	EXPECT(pthread_mutex_unlock(&mutex) == 0);
	EXPECT(pthread_mutex_lock(&mutex) == 0);
	EXPECT(pthread_mutex_unlock(&mutex) == 0);
}

int main(void)
{
	words = mmap(0, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	one_thread();
	hand_over();
	owner_dies();
	deadlock();
	frozen_waiter();
	moved_to_lock();
	several();
	refused();
	mutexes();
	printf("%d failures\n", failures);
	return failures != 0;
}
