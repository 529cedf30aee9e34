/* Threads of the C library: what they need of futexes, robust lists, signals
 * and thread pointers. Each check prints a line; the last line is the sum. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 1000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long sum;
static __thread long own;
static int failures;

static void check(const char *name, int holds)
{
	printf("%s %s\n", holds ? "ok" : "FAILED", name);
	failures += !holds;
}

static void *count(void *unused)
{
	(void)unused;
	for (int round = 0; round < ROUNDS; round++) {
		pthread_mutex_lock(&mutex);
		sum++;
		own++;
		pthread_mutex_unlock(&mutex);
	}
	pthread_barrier_wait(&barrier);
	return (void *)own;
}

static void counting(void)
{
	pthread_t threads[THREADS];
	long total = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		check("create", !pthread_create(&threads[i], NULL, count, NULL));
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		total += (long)result;
	}
	check("mutex", sum == THREADS * ROUNDS);
	check("thread-local", total == sum);
}

static void *lock_and_end(void *lock)
{
	pthread_mutex_lock(lock);
	return NULL;
}

static void robust(void)
{
	pthread_mutexattr_t kind;
	pthread_mutex_t lock;
	pthread_t thread;

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&lock, &kind);
	pthread_create(&thread, NULL, lock_and_end, &lock);
	pthread_join(thread, NULL);
	check("robust", pthread_mutex_lock(&lock) == EOWNERDEAD);
	check("consistent", !pthread_mutex_consistent(&lock));
	check("unlock", !pthread_mutex_unlock(&lock));
}

static void *sleep_long(void *unused)
{
	(void)unused;
	sleep(1000);
	return NULL;
}

static void cancel(void)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, sleep_long, NULL);
	usleep(10000);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	check("cancel", result == PTHREAD_CANCELED);
}

static void timed(void)
{
	struct timespec end;
	sem_t semaphore;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += 20000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&mutex);
	check("timed wait", pthread_cond_timedwait(&condition, &mutex, &end)
	      == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
	sem_init(&semaphore, 0, 0);
	check("semaphore", sem_timedwait(&semaphore, &end) == -1
	      && errno == ETIMEDOUT);
}

static volatile sig_atomic_t expired;

static void note(union sigval value)
{
	expired = value.sival_int;
}

/* The C library delivers this by a thread of its own. */
static void timer(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD,
		.sigev_notify_function = note,
		.sigev_value.sival_int = 7,
	};
	struct itimerspec once = { .it_value.tv_nsec = 10000000 };
	timer_t id;

	check("timer_create", !timer_create(CLOCK_MONOTONIC, &event, &id));
	check("timer_settime", !timer_settime(id, 0, &once, NULL));
	for (int i = 0; i < 500 && expired == 0; i++)
		usleep(10000);
	check("timer expired", expired == 7);
	check("timer_delete", !timer_delete(id));
}

/* Large blocks grow by mremap. */
static void growing(void)
{
	char *block = malloc(8 << 20);

	block[0] = 1;
	block[(8 << 20) - 1] = 2;
	block = realloc(block, 16 << 20);
	check("grow", block && block[0] == 1 && block[(8 << 20) - 1] == 2
	      && block[(16 << 20) - 1] == 0);
	free(block);
}

/* Shares memory and handlers with the first process, but is one itself. */
static int set_handler(void *unused)
{
	(void)unused;
	signal(SIGUSR2, SIG_IGN);
	return 0;
}

static void check_shared_handlers(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int flags = CLONE_VM | CLONE_SIGHAND | SIGCHLD;
	struct sigaction now;
	pid_t child;

	signal(SIGUSR2, SIG_DFL);
	child = clone(set_handler, stack + sizeof stack, flags, NULL);
	waitpid(child, NULL, 0);
	sigaction(SIGUSR2, NULL, &now);
	check("a process shares handlers", now.sa_handler == SIG_IGN);
	flags &= ~CLONE_SIGHAND;
	signal(SIGUSR2, SIG_DFL);
	child = clone(set_handler, stack + sizeof stack, flags, NULL);
	waitpid(child, NULL, 0);
	sigaction(SIGUSR2, NULL, &now);
	check("or has its own", now.sa_handler == SIG_DFL);
}

static int count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while (tasks && (entry = readdir(tasks)))
		count += entry->d_name[0] != '.';
	return count;
}

/* The program of a thread that is not the first: it has the number of the
 * process, by which signals reach it. */
static int after_exec(void)
{
	char path[64], state = '?';
	FILE *file = fopen("/proc/self/stat", "r");

	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		return 2;
	if (state != 'R' || syscall(SYS_gettid) != getpid())
		return 3;
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
	if (access(path, F_OK) || count_threads() != 1)
		return 6;
	return raise(SIGUSR1) ? 4 : 5;
}

static void *execute(void *unused)
{
	(void)unused;
	execl("/proc/self/exe", "threads", "after-exec", NULL);
	return NULL;
}

static void exec_by_another(void)
{
	pid_t child = fork();
	int status = 0;

	if (!child) {
		pthread_t thread;

		pthread_create(&thread, NULL, execute, NULL);
		pthread_join(thread, NULL);
		_exit(7);
	}
	waitpid(child, &status, 0);
	check("exec by another thread",
	      WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

/* Whether the first thread sleeps in a futex. */
static int first_sleeps(void)
{
	char path[64], where[64] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%d/wchan", getpid());
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(where, sizeof where, file))
		where[0] = 0;
	fclose(file);
	return !strncmp(where, "futex_wait", 10);
}

/* A thread ends after it gave its mutex up and before it woke the next. */
static void *give_up(void *word)
{
	static struct robust_list_head list;

	list.list.next = &list.list;
	list.list_op_pending = (struct robust_list *)word;
	syscall(SYS_set_robust_list, &list, sizeof list);
	while (!first_sleeps())
		usleep(1000);
	syscall(SYS_exit, 0);
	return NULL;
}

static void pending(void)
{
	static uint64_t word;
	struct timespec limit = { .tv_sec = 20 };
	pthread_t thread;

	pthread_create(&thread, NULL, give_up, &word);
	check("robust, given up",
	      !syscall(SYS_futex, &word, FUTEX_WAIT, 0, &limit, NULL, 0));
}

int main(int count, char **unused)
{
	(void)unused;
	if (count > 1)
		return after_exec();
	check_shared_handlers();
	counting();
	robust();
	exec_by_another();
	pending();
	cancel();
	timed();
	timer();
	growing();
	printf("%d failures\n", failures);
	return failures != 0;
}
