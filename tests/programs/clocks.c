/* adjtimex: what is refused, slews, rates, a leap second, atomic time; timer
 * slack; a timer whose signal nobody takes. Prints what went wrong, and last
 * how much of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static void nap(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* Real time less monotonic time, ns, as exact as two readings are. */
static long long distance(void)
{
	struct timespec real, before, after;
	long long best = 0, width = 1LL << 60;

	for (int i = 0; i < 50; i++) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		clock_gettime(CLOCK_REALTIME, &real);
		clock_gettime(CLOCK_MONOTONIC, &after);
		long long start = before.tv_sec * 1000000000LL + before.tv_nsec;
		long long end = after.tv_sec * 1000000000LL + after.tv_nsec;
		if (end - start < width) {
			width = end - start;
			best = real.tv_sec * 1000000000LL + real.tv_nsec -
			       (start + end) / 2;
		}
	}
	return best;
}

static void refused(void)
{
	struct timex wrong = { .modes = ADJ_TICK, .tick = 8999 };
	struct timex plain = { .modes = 0 };

	FAILS(adjtimex(&wrong), EINVAL);
	wrong.tick = 11001;
	FAILS(adjtimex(&wrong), EINVAL);
	wrong.modes = 0x8000;
	FAILS(adjtimex(&wrong), EINVAL);
	FAILS(clock_adjtime(CLOCK_MONOTONIC, &plain), EOPNOTSUPP);
	FAILS(clock_adjtime(77, &plain), EINVAL);
	EXPECT(adjtimex(&plain) == TIME_ERROR);
	EXPECT(plain.tick == 10000 && plain.status == STA_UNSYNC);
	EXPECT(plain.precision == 1 && plain.tolerance == 500 << 16);
	if (!fork()) {
		int wrong = setuid(65534) != 0;

		wrong |= adjtimex(&plain) != TIME_ERROR;
		plain.modes = ADJ_STATUS;
		wrong |= adjtimex(&plain) != -1 || errno != EPERM;
		_exit(wrong);
	}
	int status;
	wait(&status);
	EXPECT(status == 0);
}

static void slew(void)
{
	struct timeval delta = { 0, 300 }, left;
	long long before = distance();

	EXPECT(adjtime(&delta, 0) == 0);
	nap(100);
	long long middle = distance();
	EXPECT(middle > before + 10000 && middle <= before + 300000);
	EXPECT(adjtime(0, &left) == 0);
	EXPECT(left.tv_sec == 0 && left.tv_usec < 300);
	nap(1000);
	long long after = distance();
	EXPECT(after - before > 295000 && after - before < 305000);
	EXPECT(adjtime(0, &left) == 0);
	EXPECT(left.tv_sec == 0 && left.tv_usec == 0);
}

static void rate(void)
{
	struct timex fast = { .modes = ADJ_FREQUENCY, .freq = 400 << 16 };
	long long before = distance();

	EXPECT(adjtimex(&fast) >= 0 && fast.freq == 400 << 16);
	nap(500);
	long long gained = distance() - before;
	EXPECT(gained > 150000);
	/* A wait until a time of this clock is neither early nor lost. */
	struct timespec until, now;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	EXPECT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, 0) == 0);
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec &&
					     now.tv_nsec >= until.tv_nsec));
	fast.modes = ADJ_FREQUENCY;
	fast.freq = 0;
	EXPECT(adjtimex(&fast) >= 0);
	before = distance();
	nap(100);
	EXPECT(llabs(distance() - before) < 5000);
}

/* The second before midnight comes twice. */
static void leap_second(void)
{
	struct timespec now, tai;
	struct timex state = { .modes = ADJ_STATUS, .status = STA_INS };
	struct timex status = { .modes = 0 };
	int seen = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	time_t midnight = (now.tv_sec / 86400 + 2) * 86400;
	now.tv_sec = midnight - 1;
	now.tv_nsec = 500000000;
	EXPECT(clock_settime(CLOCK_REALTIME, &now) == 0);
	EXPECT(adjtimex(&state) == TIME_INS);
	int before = state.tai;
	for (int i = 0; i < 40 && !(seen & 4); i++) {
		status.modes = 0;
		switch (adjtimex(&status)) {
		case TIME_INS:
			seen |= 1;
			break;
		case TIME_OOP:
			seen |= 2;
			EXPECT(status.time.tv_sec == midnight - 1);
			break;
		case TIME_WAIT:
			seen |= 4;
			EXPECT(status.time.tv_sec == midnight);
		}
		nap(100);
	}
	EXPECT(seen == 7 && status.tai == before + 1);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_TAI, &tai);
	EXPECT(tai.tv_sec - now.tv_sec - status.tai <= 1 &&
	       tai.tv_sec - now.tv_sec >= status.tai);
	state.modes = ADJ_STATUS;
	state.status = 0;
	EXPECT(adjtimex(&state) == TIME_OK);
}

static void step(void)
{
	struct timex step = { .modes = ADJ_SETOFFSET | ADJ_NANO };
	long long before = distance();

	step.time.tv_sec = -2;
	step.time.tv_usec = 500000000;
	EXPECT(adjtimex(&step) >= 0);
	EXPECT(llabs(distance() - before + 1500000000LL) < 1000000);
}

static void slack(void)
{
	char text[32] = "";
	int status;

	EXPECT(prctl(PR_GET_TIMERSLACK) == 50000);
	EXPECT(prctl(PR_SET_TIMERSLACK, 70000) == 0);
	int file = open("/proc/self/timerslack_ns", O_RDWR);
	EXPECT(read(file, text, sizeof text) == 6 && !strcmp(text, "70000\n"));
	if (!fork()) {
		int wrong = prctl(PR_GET_TIMERSLACK) != 70000;

		prctl(PR_SET_TIMERSLACK, 1);
		prctl(PR_SET_TIMERSLACK, 0);
		_exit(wrong || prctl(PR_GET_TIMERSLACK) != 70000);
	}
	wait(&status);
	EXPECT(status == 0);
	EXPECT(write(file, "0", 1) == 1);
	EXPECT(prctl(PR_GET_TIMERSLACK) == 50000);
}

/* What has expired while the signal was blocked is told, though the signal
 * then has no effect. */
static void overrun(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGCONT };
	struct itimerspec setting = { { 0, 10000000 }, { 0, 10000000 } };
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, 0);
	EXPECT(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
	FAILS(timer_settime(timer, 0, 0, 0), EINVAL);
	EXPECT(timer_settime(timer, 0, &setting, 0) == 0);
	nap(500);
	sigprocmask(SIG_UNBLOCK, &set, 0);
	int told = timer_getoverrun(timer);
	EXPECT(told >= 45 && told < 200);
	timer_delete(timer);
}

int main(void)
{
	refused();
	slew();
	rate();
	leap_second();
	step();
	slack();
	overrun();
	printf("%d failures\n", failures);
	return failures != 0;
}
