// Faults of the running thread: signals, and the checks that g++ compiles into kernels (-fsanitize).
#include "faults.h"
#include "block.h"

#include <cstdint>
#include <cstdlib>

namespace {

constexpr int signals[3] = {SIGSEGV, SIGBUS, SIGFPE};
alignas(16) char signalStack[64 << 10];
const void *faultAddress;
int faultSignal;

// Runs on the thread's own stack: the handler has returned to here instead of to the failed instruction.
[[noreturn]] void reportSignal() {
  if (faultSignal == SIGFPE) failThread(Fault::launchFailed, "integer division by zero");
  failThread(Fault::illegalAddress, "access to %p, which is no memory", faultAddress);
}

void onSignal(int signal, siginfo_t *info, void *context) {
  faultAddress = info->si_addr;
  faultSignal = signal;
  // The thread never goes on, so its stack may be overwritten from the top, which is sure to be there.
  auto &registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  Thread &thread = currentThread();
  int number = static_cast<int>(&thread - &threadAt(0));
  registers[REG_RSP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(fiberStackTop(number)) - 8);
  registers[REG_RIP] = reinterpret_cast<greg_t>(reportSignal);
}

// What -fsanitize passes: where in the source, and of what type.
struct SourceLocation {
  const char *file;
  uint32_t line, column;
};
struct TypeDescriptor {
  uint16_t kind, info;
  char name[1];
};
struct TypeMismatch {
  SourceLocation at;
  const TypeDescriptor *type;
  unsigned char logAlignment, check;
};
struct OutOfBounds {
  SourceLocation at;
  const TypeDescriptor *array, *index;
};

} // namespace

FaultGuard::FaultGuard() {
  stack_t stack = {};
  stack.ss_sp = signalStack;
  stack.ss_size = sizeof signalStack;
  sigaltstack(&stack, &stackBefore);
  struct sigaction action = {};
  action.sa_sigaction = onSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (int i = 0; i < 3; i++) sigaction(signals[i], &action, &before[i]);
}

FaultGuard::~FaultGuard() {
  for (int i = 0; i < 3; i++) sigaction(signals[i], &before[i], nullptr);
  sigaltstack(&stackBefore, nullptr);
}

extern "C" void __ubsan_handle_type_mismatch_v1_abort(TypeMismatch *what, uintptr_t pointer) {
  if (pointer == 0)
    failThread(Fault::illegalAddress, "%s:%u: null pointer to %s", what->at.file, what->at.line, what->type->name);
  failThread(Fault::misaligned, "%s:%u: %p is no multiple of %u, as %s needs", what->at.file, what->at.line,
             reinterpret_cast<void *>(pointer), 1u << what->logAlignment, what->type->name);
}

extern "C" void __ubsan_handle_out_of_bounds_abort(OutOfBounds *what, uintptr_t index) {
  failThread(Fault::illegalAddress, "%s:%u: index %lld is outside %s", what->at.file, what->at.line,
             static_cast<long long>(index), what->array->name);
}
