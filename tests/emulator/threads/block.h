// One block of threads at a time: each thread is a fiber that runs until it waits for others.
#pragma once
#define FETTLE_EMULATOR_DRIVER
#include "../device/runtime.h"
#include "fiber.h"

#include <cstddef>
#include <vector>

constexpr int maxThreads = 1024, warpLanes = 32;

// Codes of the driver for launches that fail.
enum class Fault { none = 0, illegalAddress = 700, misaligned = 716, launchFailed = 719 };

enum class State { ready, inWarp, inBlock, exited };

// A copy to shared memory that a thread has asked for and not yet waited for.
struct PendingCopy {
  void *to;
  const void *from;
  bool valid;
};

struct Thread {
  Fiber fiber;
  uint3 index;
  State state;
  // What it waits for, where it waits.
  const char *waitsAt;
  unsigned mask;
  void *own;
  FettleCombine combine;
  // Groups of copies, oldest first; the last, if there is any, is not yet committed.
  std::vector<std::vector<PendingCopy>> copies;
  // Whether copies have arrived that products of warpgroups are not sure to see.
  bool unfenced;
};

struct Launch {
  const char *name;
  void (*call)(void **arguments);
  void **arguments;
  uint3 grid, block;
  size_t dynamicShared;
  unsigned char *staticShared, *staticSharedEnd;
};

// Runs all blocks; gives up at the first fault.
Fault runLaunch(const Launch &launch);

// What went wrong in the launch that failed last, and where.
const char *lastFault();

// ---- for the files of this folder ----------------------------------------------------------------------------------

Thread &currentThread();
Thread &threadAt(int number);
int threadCount();

// Gives the launch up, from within a thread, with what is wrong.
[[noreturn]] void failThread(Fault fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Runs the other threads; returns once somebody has made the current one ready again.
void waitForOthers();

// Lets go on whoever waited only for the lanes of this warp, and reports whether that includes `number`.
void completeWarp(int warp);

bool isShared(const void *at);

// Copies, and products of warpgroups, may be done at once or as late as the wait for them allows; a GPU may do either.
bool isEarly();

// Memory that the 18 bits of an address in a matrix descriptor mean.
const unsigned char *atSharedAddress(unsigned address);

// Products of warpgroups: before a block's threads begin, when one has ended, and when all have: what is wrong, or null.
void resetProducts();
void expectNoProducts(int warp);
const char *differingWarpgroups();

float bf16ToFloat(unsigned bits);

// Fails unless the whole warp takes part.
void needAllLanes(void *const *lanes, const char *name);

// Does all copies that the thread has under way; a launch may not end before they are done.
void finishCopies(Thread &thread);
