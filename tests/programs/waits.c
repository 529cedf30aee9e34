/* Waits in every way while a cgroup freezes and thaws, and tells for each
 * wait what it gave and how long it took. Nothing of the freeze may show: no
 * handler runs, nothing ends early or late, no structure of the caller
 * changes.
 *
 *     waits GROUP LENGTH BEFORE FROZEN
 *
 * waits LENGTH ms in each way; after BEFORE ms the group freezes, FROZEN ms
 * later it thaws. Prints `name result errno ms handlers changed after`:
 * the last is how many ms after the thaw it ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static long length;
static volatile int handled;

struct report {
	long result;
	int error;
	int took;
	long end;
	int handlers;
	int changed;
};

static void count(int signal)
{
	(void)signal;
	handled++;
}

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct timespec span(void)
{
	return (struct timespec){ length / 1000, length % 1000 * 1000000 };
}

static struct timespec end_on(clockid_t clock)
{
	struct timespec end, wait = span();

	clock_gettime(clock, &end);
	end.tv_sec += wait.tv_sec;
	end.tv_nsec += wait.tv_nsec;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	return end;
}

static int differ(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec || a.tv_nsec != b.tv_nsec;
}

/* Each returns what the call gave; *changed says that it wrote where it must
 * not. */

static long do_nanosleep(int *changed)
{
	struct timespec wait = span(), rest = { 77, 7 }, old = wait, mark = rest;
	long result = nanosleep(&wait, &rest);

	*changed = differ(wait, old) || differ(rest, mark);
	return result;
}

static long do_clock_relative(int *changed)
{
	struct timespec wait = span(), rest = { 77, 7 }, mark = rest;
	int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, &rest);

	*changed = differ(wait, span()) || differ(rest, mark);
	errno = error;
	return error ? -1 : 0;
}

static long do_clock_absolute(int *changed)
{
	struct timespec end = end_on(CLOCK_REALTIME), old = end;
	int error = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &end, NULL);

	*changed = differ(end, old);
	errno = error;
	return error ? -1 : 0;
}

static long do_futex(int *changed)
{
	struct timespec wait = span();
	unsigned word = 0;
	long result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &wait);

	*changed = differ(wait, span()) || word != 0;
	return result;
}

static long do_futex_bitset(int *changed)
{
	struct timespec end = end_on(CLOCK_MONOTONIC), old = end;
	unsigned word = 0;
	long result = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &end, 0, 1);

	*changed = differ(end, old);
	return result;
}

static long do_ppoll(int *changed)
{
	struct timespec wait = span();
	struct pollfd none = { -1, POLLIN, 0 };

	*changed = 0;
	return ppoll(&none, 1, &wait, NULL);
}

static long do_pselect(int *changed)
{
	struct timespec wait = span();

	*changed = 0;
	return pselect(0, NULL, NULL, NULL, &wait, NULL);
}

static long do_epoll(int *changed)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0), counter = eventfd(0, 0);

	*changed = 0;
	epoll_ctl(set, EPOLL_CTL_ADD, counter, &event);
	return epoll_pwait(set, &event, 1, length, NULL);
}

static long do_sigtimedwait(int *changed)
{
	struct timespec wait = span();
	sigset_t set;
	long result;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	result = sigtimedwait(&set, NULL, &wait);
	*changed = differ(wait, span());
	return result;
}

static long do_wait4(int *changed)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		usleep(length * 1000);
		_exit(7);
	}
	*changed = wait4(child, &status, 0, NULL) != child;
	return WEXITSTATUS(status);
}

static long do_pipe(int *changed)
{
	char byte = 0;
	int ends[2];

	if (pipe(ends))
		return -2;
	if (fork() == 0) {
		usleep(length * 1000);
		_exit(write(ends[1], "x", 1) != 1);
	}
	*changed = read(ends[0], &byte, 1) != 1;
	return byte;
}

/* As from a pipe, by one of two connected sockets. */
static long do_socket(int *changed)
{
	char byte = 0;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -2;
	if (fork() == 0) {
		usleep(length * 1000);
		_exit(send(ends[1], "y", 1, 0) != 1);
	}
	*changed = recv(ends[0], &byte, 1, 0) != 1;
	return byte;
}

/* A blocked signal, read from a file. */
static long do_signalfd(int *changed)
{
	struct signalfd_siginfo info = { 0 };
	sigset_t set;
	pid_t parent = getpid();
	int file;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	file = signalfd(-1, &set, 0);
	if (fork() == 0) {
		usleep(length * 1000);
		_exit(kill(parent, SIGUSR2));
	}
	*changed = read(file, &info, sizeof info) != sizeof info;
	return info.ssi_signo;
}

static long do_terminal(int *changed)
{
	struct termios old, raw;
	char byte;
	long result;

	*changed = 0;
	if (tcgetattr(0, &old))
		return -2;
	raw = old;
	raw.c_lflag &= ~ICANON;
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = length / 100;
	tcsetattr(0, TCSANOW, &raw);
	result = read(0, &byte, 1);
	tcsetattr(0, TCSANOW, &old);
	return result;
}

static long do_vfork(int *changed)
{
	int status = 0;
	struct timespec wait = span();
	pid_t child = vfork();

	if (child == 0) {
		nanosleep(&wait, NULL);
		_exit(9);
	}
	/* It gives its memory back before it is dead: only a wait is sure. */
	*changed = waitpid(child, &status, 0) != child;
	return WEXITSTATUS(status);
}

static long do_itimer(int *changed)
{
	struct itimerval once = {
		.it_value = { length / 1000, length % 1000 * 1000 },
	};

	*changed = 0;
	setitimer(ITIMER_REAL, &once, NULL);
	return pause();
}

static long do_timerfd(int *changed)
{
	struct itimerspec once = { .it_value = span() };
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	unsigned long expired = 0;

	timerfd_settime(timer, 0, &once, NULL);
	*changed = read(timer, &expired, sizeof expired) != sizeof expired;
	return expired;
}

static long do_eventfd(int *changed)
{
	int counter = eventfd(0, 0);
	unsigned long value = 0;

	if (fork() == 0) {
		value = 5;
		usleep(length * 1000);
		_exit(write(counter, &value, sizeof value) != sizeof value);
	}
	*changed = read(counter, &value, sizeof value) != sizeof value;
	return value;
}

static const struct {
	const char *name;
	long (*wait)(int *changed);
} waits[] = {
	{ "nanosleep", do_nanosleep },
	{ "clock_nanosleep", do_clock_relative },
	{ "clock_nanosleep_abs", do_clock_absolute },
	{ "futex", do_futex },
	{ "futex_bitset", do_futex_bitset },
	{ "ppoll", do_ppoll },
	{ "pselect6", do_pselect },
	{ "epoll_pwait", do_epoll },
	{ "rt_sigtimedwait", do_sigtimedwait },
	{ "wait4", do_wait4 },
	{ "pipe", do_pipe },
	{ "socket", do_socket },
	{ "signalfd", do_signalfd },
	{ "terminal", do_terminal },
	{ "vfork", do_vfork },
	{ "itimer", do_itimer },
	{ "timerfd", do_timerfd },
	{ "eventfd", do_eventfd },
};

enum { WAITS = sizeof waits / sizeof *waits };

static void write_file(const char *group, const char *name, const char *text)
{
	char path[200];
	int file;

	snprintf(path, sizeof path, "%s/%s", group, name);
	file = open(path, O_WRONLY);
	if (file < 0 || write(file, text, strlen(text)) < 0) {
		perror(path);
		exit(1);
	}
	close(file);
}

static void run(int which, struct report *report)
{
	struct sigaction action = { .sa_handler = count };
	long start;

	/* All but the two that nobody can handle, and the child's. */
	for (int signal = 1; signal < 32; signal++)
		if (signal != SIGCHLD)
			sigaction(signal, &action, NULL);
	start = now();
	errno = 0;
	report->result = waits[which].wait(&report->changed);
	report->error = errno;
	report->end = now();
	report->took = report->end - start;
	report->handlers = handled;
	_exit(0);
}

int main(int count, char **words)
{
	struct report *reports = mmap(NULL, sizeof *reports * WAITS,
				      PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char state[20];
	long thaw;

	if (count != 5)
		return 2;
	length = atol(words[2]);
	for (int i = 0; i < WAITS; i++) {
		pid_t child = fork();

		if (child == 0) {
			snprintf(state, sizeof state, "%d", getpid());
			write_file(words[1], "tasks", state);
			run(i, &reports[i]);
		}
	}
	usleep(atol(words[3]) * 1000);
	write_file(words[1], "freezer.state", "FROZEN");
	usleep(atol(words[4]) * 1000);
	thaw = now();
	write_file(words[1], "freezer.state", "THAWED");
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < WAITS; i++) {
		struct report *it = &reports[i];

		printf("%s %ld %d %d %d %d %ld\n", waits[i].name, it->result,
		       it->error, it->took, it->handlers, it->changed,
		       it->end - thaw);
	}
	return 0;
}
