#include "block.h"
#include "faults.h"
#include "shared.h"

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <string>

extern "C" FettleIndices fettle_indices = {};

namespace {

Thread threads[maxThreads];
int count;
int running;
Fiber scheduler;
const Launch *launch;
Fault fault;
std::string report;

// The order in which threads get their turns, and blocks; anything else than `forward` is to find races.
enum class Order { forward, reverse, shuffle };

Order wantedOrder() {
  const char *value = std::getenv("FETTLE_EMULATOR_ORDER");
  if (value == nullptr || *value == 0 || std::strcmp(value, "forward") == 0) return Order::forward;
  if (std::strcmp(value, "reverse") == 0) return Order::reverse;
  if (std::strcmp(value, "shuffle") == 0) return Order::shuffle;
  std::fprintf(stderr, "emulator: FETTLE_EMULATOR_ORDER is forward, reverse or shuffle, not %s\n", value);
  std::abort();
}

void reorder(std::vector<int> &numbers, Order order) {
  static unsigned seed = 1;
  if (order != Order::shuffle) return;
  for (size_t i = numbers.size(); i > 1; i--) {
    seed = seed * 1664525u + 1013904223u;
    std::swap(numbers[i - 1], numbers[(seed >> 8) % i]);
  }
}

std::vector<int> numbersInOrder(int length, Order order) {
  std::vector<int> numbers(length);
  std::iota(numbers.begin(), numbers.end(), 0);
  if (order == Order::reverse) std::reverse(numbers.begin(), numbers.end());
  reorder(numbers, order);
  return numbers;
}

std::string place(uint3 at) {
  return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
}

// Releases those who wait in __syncthreads once nobody else is left.
void completeBlock() {
  unsigned waiting = 0, yes = 0;
  for (int i = 0; i < count; i++) {
    if (threads[i].state == State::exited) continue;
    if (threads[i].state != State::inBlock) return;
    waiting++;
    if (threads[i].own != nullptr) yes += static_cast<FettleVote *>(threads[i].own)->value;
  }
  for (int i = 0; i < count; i++) {
    if (threads[i].state != State::inBlock) continue;
    if (threads[i].own != nullptr) static_cast<FettleVote *>(threads[i].own)->result = waiting << 16 | yes;
    threads[i].state = State::ready;
  }
}

void threadEntry() {
  Thread &thread = currentThread();
  launch->call(launch->arguments);
  finishCopies(thread);
  expectNoProducts(running / warpLanes);
  thread.state = State::exited;
  // Those who wait may have waited for this one alone.
  completeWarp(running / warpLanes);
  completeBlock();
  switchFiber(thread.fiber, scheduler);
  std::abort();
}

void fail(Fault why, const std::string &what) {
  fault = why;
  report = std::string("kernel ") + launch->name + ", block " + place(fettle_indices.block) + ": " + what;
}

// Which threads wait where, for a block in which nobody can go on.
std::string standstill() {
  std::map<std::string, std::vector<int>> places;
  for (int i = 0; i < count; i++) {
    char text[96];
    if (threads[i].state == State::exited) std::snprintf(text, sizeof text, "exited");
    else if (threads[i].state == State::inBlock) std::snprintf(text, sizeof text, "in __syncthreads");
    else std::snprintf(text, sizeof text, "in %s for lanes %08x", threads[i].waitsAt, threads[i].mask);
    places[text].push_back(i);
  }
  std::string lines;
  for (const auto &[text, numbers] : places) {
    lines += "\n  " + std::to_string(numbers.size()) + " threads " + text + ", the first is thread " +
             place(threads[numbers.front()].index) + ", the last " + place(threads[numbers.back()].index);
  }
  return lines;
}

void startThreads(uint3 block) {
  for (int i = 0; i < count; i++) {
    unsigned number = static_cast<unsigned>(i);
    threads[i].index = {number % block.x, number / block.x % block.y, number / block.x / block.y};
    threads[i].state = State::ready;
    threads[i].copies.clear();
    threads[i].unfenced = false;
    prepareFiber(threads[i].fiber, fiberStackTop(i), threadEntry);
  }
}

void runBlock(std::vector<int> &order, Order kind) {
  startThreads(launch->block);
  resetProducts();
  for (int exited = 0; exited < count;) {
    bool moved = false;
    exited = 0;
    for (int number : order) {
      if (threads[number].state == State::ready) {
        moved = true;
        running = number;
        fettle_indices.thread = threads[number].index;
        switchFiber(scheduler, threads[number].fiber);
        if (fault != Fault::none) return;
      }
      if (threads[number].state == State::exited) exited++;
    }
    if (!moved && exited < count) {
      fail(Fault::launchFailed, "threads wait for others that never come" + standstill());
      return;
    }
    reorder(order, kind);
  }
}

} // namespace

Thread &currentThread() { return threads[running]; }
Thread &threadAt(int number) { return threads[number]; }
int threadCount() { return count; }

void waitForOthers() {
  Thread &thread = currentThread();
  switchFiber(thread.fiber, scheduler);
}

void failThread(Fault why, const char *format, ...) {
  char text[512];
  va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  fail(why, "thread " + place(currentThread().index) + ": " + text);
  switchFiber(currentThread().fiber, scheduler);
  std::abort();
}

const char *lastFault() { return report.c_str(); }

extern "C" int fettle_lane() { return running % warpLanes; }

extern "C" void fettle_sync_threads(FettleVote *vote) {
  Thread &thread = currentThread();
  thread.state = State::inBlock;
  thread.own = vote;
  completeBlock();
  if (thread.state != State::ready) waitForOthers();
}

Fault runLaunch(const Launch &wanted) {
  Order kind = wantedOrder();
  launch = &wanted;
  fault = Fault::none;
  count = static_cast<int>(wanted.block.x * wanted.block.y * wanted.block.z);
  fettle_indices = {{0, 0, 0}, {0, 0, 0}, wanted.block, wanted.grid};
  std::vector<int> threadOrder = numbersInOrder(count, kind);
  FaultGuard guard;
  placeShared(wanted);
  uint64_t blocks = 1ull * wanted.grid.x * wanted.grid.y * wanted.grid.z;
  for (uint64_t turn = 0; turn < blocks && fault == Fault::none; turn++) {
    uint64_t number = kind == Order::forward ? turn : blocks - 1 - turn;
    fettle_indices.block = {static_cast<unsigned>(number % wanted.grid.x),
                            static_cast<unsigned>(number / wanted.grid.x % wanted.grid.y),
                            static_cast<unsigned>(number / wanted.grid.x / wanted.grid.y)};
    poisonShared();
    runBlock(threadOrder, kind);
    if (fault == Fault::none && differingWarpgroups() != nullptr) fail(Fault::launchFailed, differingWarpgroups());
    if (fault == Fault::none && sharedOverrun()) {
      fail(Fault::illegalAddress,
           "wrote past its " + std::to_string(wanted.dynamicShared) + " bytes of dynamic shared memory");
    }
  }
  return fault;
}
