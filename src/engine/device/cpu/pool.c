/**
 * The thread pool behind parallel_for: the caller and its workers take chunks from one counter. A worker joins a job
 * only while it is open, so a worker that the system has put aside never holds up a job that others have finished.
 */
#define _GNU_SOURCE /* dladdr */
#include "fettle.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { MAX_THREADS = 256, SPINS = 20000 };

/* The open job. Written by the caller while no worker is inside. */
static parallel_body job_body;
static void *job_context;
static int64_t job_size, job_grain, job_chunks;
static _Atomic int64_t next_chunk;

/*
 * One word: the job's number (upper 32 bits), whether it is open (bit 31), how many workers are inside (low 31 bits).
 * Joining compares and swaps the whole word, so nobody joins a job that has closed.
 */
static _Atomic uint64_t state;
static const uint64_t OPEN = 1ull << 31, INSIDE = OPEN - 1, ONE_JOB = 1ull << 32;

static int threads = 1;
static int workers_started = 0;
static _Thread_local int in_body = 0;

static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static _Atomic int sleepers;

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void run_chunks(void) {
  in_body = 1;
  int64_t chunk;
  while ((chunk = atomic_fetch_add(&next_chunk, 1)) < job_chunks) {
    int64_t begin = chunk * job_grain;
    int64_t end = begin + job_grain < job_size ? begin + job_grain : job_size;
    job_body(begin, end, job_context);
  }
  in_body = 0;
}

/** Waits until a job newer than `seen` is open and joins it; returns its number. */
static uint64_t join_job(uint64_t seen) {
  for (;;) {
    for (int spin = 0; spin < SPINS; spin++) {
      uint64_t now = atomic_load(&state);
      if (now / ONE_JOB != seen && (now & OPEN)) {
        if (atomic_compare_exchange_weak(&state, &now, now + 1)) return now / ONE_JOB;
      }
      pause_briefly();
    }
    pthread_mutex_lock(&sleep_lock);
    atomic_fetch_add(&sleepers, 1);
    uint64_t now = atomic_load(&state);
    if (now / ONE_JOB == seen || !(now & OPEN)) pthread_cond_wait(&wake, &sleep_lock);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&sleep_lock);
  }
}

static void *work(void *number) {
  int index = (int)(intptr_t)number;
  uint64_t seen = 0;
  for (;;) {
    seen = join_job(seen);
    if (index < threads) run_chunks();
    atomic_fetch_sub(&state, 1);
  }
  return NULL;
}

void parallel_for(int64_t n, int64_t grain, parallel_body body, void *context) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  int64_t chunks = (n + grain - 1) / grain;
  if (in_body || threads == 1 || chunks == 1) {
    for (int64_t begin = 0; begin < n; begin += grain) body(begin, begin + grain < n ? begin + grain : n, context);
    return;
  }
  job_body = body;
  job_context = context;
  job_size = n;
  job_grain = grain;
  job_chunks = chunks;
  atomic_store(&next_chunk, 0);
  atomic_store(&state, (atomic_load(&state) / ONE_JOB + 1) * ONE_JOB | OPEN);
  if (atomic_load(&sleepers) > 0) {
    pthread_mutex_lock(&sleep_lock);
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&sleep_lock);
  }
  run_chunks();
  atomic_fetch_and(&state, ~OPEN);
  for (int spin = 0; atomic_load(&state) & INSIDE; spin++) {
    if (spin < SPINS) pause_briefly();
    else sched_yield();
  }
}

/**
 * Takes a reference to this library that is never given back. When Node ends it unloads libraries, while our threads
 * still run code of this one.
 */
static void stay_loaded(void) {
  Dl_info own;
  if (dladdr((void *)work, &own) != 0) dlopen(own.dli_fname, RTLD_NOW);
}

int thread_count(void) {
  return threads;
}

/** Uses `count` threads from now on, the caller included. Returns how many there are. Not during a kernel. */
FETTLE_EXPORT int fettle_pool_start(int count);
int fettle_pool_start(int count) {
  if (count > MAX_THREADS) count = MAX_THREADS;
  if (count < 1) count = 1;
  if (workers_started == 0) stay_loaded();
  /* Signals belong to the thread that called us, which is Node's. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (workers_started < count - 1) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, (void *)(intptr_t)(workers_started + 1)) != 0) break;
    pthread_detach(thread);
    workers_started++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  threads = count < workers_started + 1 ? count : workers_started + 1;
  return threads;
}
