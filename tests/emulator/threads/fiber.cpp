#include "fiber.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>

constexpr size_t stackBytes = 128 << 10, pageBytes = 4096;

void *fiberStackTop(int index) {
  static std::vector<char *> stacks;
  while (static_cast<int>(stacks.size()) <= index) {
    void *bottom =
        mmap(nullptr, stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bottom == MAP_FAILED || mprotect(bottom, pageBytes, PROT_NONE) != 0) {
      std::perror("emulator: no memory for the stack of a thread");
      std::abort();
    }
    stacks.push_back(static_cast<char *>(bottom) + stackBytes);
  }
  return stacks[index];
}

#if !defined(__x86_64__)
#error "switchFiber is written for x86-64"
#endif

// The stack holds the six registers that a called function must preserve, then the address to go on at.
asm(R"(
  .text
  .globl fettle_switch_stack
  .hidden fettle_switch_stack
  .type fettle_switch_stack, @function
fettle_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size fettle_switch_stack, .-fettle_switch_stack
)");
extern "C" void fettle_switch_stack(void **saved, void *stackPointer);

void prepareFiber(Fiber &fiber, void *stackTop, void (*entry)()) {
  // On entry of a function, the stack pointer is 8 below a multiple of 16.
  auto *words = static_cast<uint64_t *>(stackTop) - 8;
  for (int i = 0; i < 8; i++) words[i] = 0;
  words[6] = reinterpret_cast<uint64_t>(entry);
  fiber.stackPointer = words;
}

void switchFiber(Fiber &from, Fiber &to) { fettle_switch_stack(&from.stackPointer, to.stackPointer); }
